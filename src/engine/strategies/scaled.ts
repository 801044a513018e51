import type { Count } from '../../api/plan.ts';
import type { Strategy } from '../../api/strategy.ts';
import type { Result } from '../../lib/errors.ts';
import { evaluateCount, evaluateWeights, FULL, ZERO } from '../counts.ts';
import {
  ALL_TO,
  type Step,
  type StrategyCapacity,
  type StrategyRefusal,
  type StrategySteps,
  step,
} from './step.ts';

const DEFAULT_STEPS: readonly Count[] = [{ kind: 'fixed', n: 1 }, { kind: 'fraction', num: 2, den: 3 }, FULL];

/**
 * Green 1 without traffic for the smoke test, then green and blue share by size, then green alone. With six
 * instances: 6/0 → 6/1 → 6/4 → 2/4 → 2/6 → 0/6 (old/new).
 */
export function scaled(
  options: NonNullable<Strategy['scaled']>,
  capacity: StrategyCapacity,
): Result<StrategySteps, StrategyRefusal> {
  const counts: Count[] = [];
  for (const [index, written] of (options.steps ?? []).entries()) {
    const count = asCount(written);
    if (count.kind === 'fixed' && count.n > capacity.replicas) {
      return refuse(
        index,
        `step ${written} is more than the ${capacity.replicas} replicas; write a percentage such as "67%" to fit every environment`,
      );
    }
    const previous = counts.at(-1);
    if (
      previous !== undefined &&
      evaluateCount(count, capacity.replicas) < evaluateCount(previous, capacity.replicas)
    ) {
      return refuse(index, `step ${written} is less than the step before it; steps must rise`);
    }
    counts.push(count);
  }
  if (counts.length === 0) counts.push(...DEFAULT_STEPS);
  const last = counts.at(-1);
  if (last === undefined || evaluateCount(last, capacity.replicas) < capacity.replicas) {
    return refuse(counts.length - 1, `the last step must be all ${capacity.replicas} replicas ("100%")`);
  }
  const steps = counts.map((count, index): Step => {
    const n = evaluateCount(count, capacity.replicas);
    if (index === 0 && counts.length > 1) return step(1, `green ${n}`, { to: count });
    if (index === counts.length - 1) {
      return step(index + 1, `green ${n}, blue 0`, {
        to: FULL,
        weights: ALL_TO,
        ...(options.warm ? { from: FULL } : { from: ZERO, removeFrom: true }),
      });
    }
    const rest = restOf(count);
    const weights = { kind: 'byCapacity' as const, from: rest, to: count };
    // A size at which nothing of the old is left is the last step already.
    if (evaluateWeights(weights, capacity.replicas, capacity.replicasFrom).to === 100) {
      return step(index + 1, `green ${n}, blue 0`, {
        to: FULL,
        weights: ALL_TO,
        ...(options.warm ? { from: FULL } : { from: ZERO, removeFrom: true }),
      });
    }
    return step(
      index + 1,
      `green ${n}, blue ${evaluateCount(rest, capacity.replicasFrom, capacity.replicas)}`,
      {
        to: count,
        weights,
        from: options.warm ? null : rest,
      },
    );
  });
  return { ok: true, value: { steps, afterwards: options.warm ? 'warm' : 'cold', warnings: [] } };
}

export function asCount(written: number | string): Count {
  if (typeof written === 'number') return { kind: 'fixed', n: written };
  const num = Number(written.slice(0, -1));
  return num === 100 ? FULL : { kind: 'fraction', num, den: 100 };
}

export function restOf(count: Count): Count {
  if (count.kind === 'fixed') return { kind: 'rest', of: { n: count.n } };
  if (count.kind === 'fraction') return { kind: 'rest', of: { num: count.num, den: count.den } };
  return count.kind === 'zero' ? FULL : ZERO;
}

const refuse = (index: number, message: string) => ({
  ok: false as const,
  error: { path: `spec.strategy.scaled.steps[${index}]`, message },
});
