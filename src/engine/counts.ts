import type { Count, Weights } from '../api/plan.ts';

/** Half up, as the design asks: 2.5 → 3. Inputs are never negative. */
const roundHalfUp = (num: number, den: number): number => Math.floor((2 * num + den) / (2 * den));

/** The nearest whole part of `full`, at least 1 and at most all (none of nothing). */
export function fractionOf(full: number, num: number, den: number, round?: 'up'): number {
  if (num === 0 || full === 0) return 0;
  const part = round === 'up' ? Math.ceil((full * num) / den) : roundHalfUp(full * num, den);
  return Math.min(full, Math.max(1, part));
}

/**
 * Instances that a plan's expression means when this side is wanted `full` strong (src/api/plan.ts, Count).
 *
 * @param other how strong the other side is wanted: a release may change the size along with the revision.
 */
export function evaluateCount(count: Count, full: number, other = full): number {
  switch (count.kind) {
    case 'full':
      return full;
    case 'zero':
      return 0;
    case 'fixed':
      return Math.min(count.n, full);
    case 'fraction':
      return fractionOf(full, count.num, count.den, count.round);
    case 'rest': {
      const part =
        'n' in count.of ? Math.min(count.of.n, other) : fractionOf(other, count.of.num, count.of.den);
      return other === 0 ? full : Math.ceil((full * (other - part)) / other);
    }
  }
}

/**
 * Percentages that sum to 100 (INV-2); a side with instances never rounds to 0 while the other has some. By
 * capacity each side is weighed by the part of its own full size that it has, so that none carries more than its
 * instances are meant for.
 *
 * @param full size of the new side; `fullFrom` that of the old one.
 */
export function evaluateWeights(
  weights: Weights,
  full: number,
  fullFrom = full,
): { from: number; to: number } {
  if (weights.kind === 'fixed') return { from: weights.from, to: weights.to };
  const from = evaluateCount(weights.from, fullFrom, full);
  const to = evaluateCount(weights.to, full, fullFrom);
  if (from + to === 0) return { from: 0, to: 100 };
  if (from === 0) return { from: 0, to: 100 };
  if (to === 0) return { from: 100, to: 0 };
  const share = Math.min(99, Math.max(1, roundHalfUp(to * fullFrom * 100, from * full + to * fullFrom)));
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
