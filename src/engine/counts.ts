import type { Count, Weights } from '../api/plan.ts';

/** Half up, as the design asks: 2.5 → 3. Inputs are never negative. */
const roundHalfUp = (num: number, den: number): number => Math.floor((2 * num + den) / (2 * den));

/** The nearest whole part of `full`, at least 1 and at most all (none of nothing). */
export function fractionOf(full: number, num: number, den: number, round?: 'up'): number {
  if (num === 0 || full === 0) return 0;
  const part = round === 'up' ? Math.ceil((full * num) / den) : roundHalfUp(full * num, den);
  return Math.min(full, Math.max(1, part));
}

/** Instances that a plan's expression means when the workload is wanted `full` strong (src/api/plan.ts, Count). */
export function evaluateCount(count: Count, full: number): number {
  switch (count.kind) {
    case 'full':
      return full;
    case 'zero':
      return 0;
    case 'fixed':
      return Math.min(count.n, full);
    case 'fraction':
      return fractionOf(full, count.num, count.den, count.round);
    case 'rest':
      return (
        full - ('n' in count.of ? Math.min(count.of.n, full) : fractionOf(full, count.of.num, count.of.den))
      );
  }
}

/** Percentages that sum to 100 (INV-2); a side with instances never rounds to 0 while the other has some. */
export function evaluateWeights(weights: Weights, full: number): { from: number; to: number } {
  if (weights.kind === 'fixed') return { from: weights.from, to: weights.to };
  const from = evaluateCount(weights.from, full);
  const to = evaluateCount(weights.to, full);
  if (from + to === 0) return { from: 0, to: 100 };
  if (from === 0) return { from: 0, to: 100 };
  if (to === 0) return { from: 100, to: 0 };
  const share = Math.min(99, Math.max(1, roundHalfUp(to * 100, from + to)));
  return { from: 100 - share, to: share };
}

/** `25%` of full or a number, as `maxSurge` and `maxUnavailable` are written; surge rounds up, the other down. */
export function evaluateAllowance(
  value: number | string,
  full: number,
  kind: 'surge' | 'unavailable',
): number {
  if (typeof value === 'number') return value;
  const percent = Number(value.slice(0, -1));
  return kind === 'surge' ? Math.ceil((full * percent) / 100) : Math.floor((full * percent) / 100);
}

export const FULL: Count = { kind: 'full' };
export const ZERO: Count = { kind: 'zero' };

/** Words for people: `6`, `67 %`, `all`. */
export function describeCount(count: Count, full: number): string {
  return count.kind === 'zero' ? '0' : String(evaluateCount(count, full));
}
