import { durationMs } from '../../api/duration.ts';
import type { Count } from '../../api/plan.ts';
import type { Strategy } from '../../api/strategy.ts';
import type { Result } from '../../lib/errors.ts';
import { evaluateCount, evaluateWeights, FULL, ZERO } from '../counts.ts';
import { restOf } from './scaled.ts';
import {
  ALL_TO,
  type Step,
  type StrategyCapacity,
  type StrategyRefusal,
  type StrategySteps,
  step,
} from './step.ts';

/**
 * A share of traffic at a time. By router weight the new side has as many instances as its weight needs and
 * the old one keeps its full size (warm); by replicas the ratio of instances is the share (cold), which only
 * expresses multiples of 1/replicas.
 */
export function canary(
  options: NonNullable<Strategy['canary']>,
  capacity: StrategyCapacity,
): Result<StrategySteps, StrategyRefusal> {
  for (const [index, weight] of options.weights.entries()) {
    const before = options.weights[index - 1];
    if (before !== undefined && weight <= before) {
      return refuse(`weights[${index}]`, `${weight} does not rise above ${before}; weights must rise to 100`);
    }
  }
  if (options.weights.at(-1) !== 100) {
    return refuse('weights', `the last weight is ${options.weights.at(-1)}; weights must rise to 100`);
  }
  const soakMs = options.soak === undefined ? null : durationMs(options.soak);
  return options.by === 'weight'
    ? byWeight(options.weights, soakMs)
    : byReplicas(options.weights, soakMs, capacity);
}

function byWeight(weights: readonly number[], soakMs: number | null): Result<StrategySteps, StrategyRefusal> {
  const steps = weights.map((weight, index): Step => {
    const number = index + 1;
    if (weight === 100)
      return step(number, '100 % new, old kept warm', { to: FULL, weights: ALL_TO, from: FULL });
    return step(number, `${weight} % new`, {
      to: { kind: 'fraction', num: weight, den: 100, round: 'up' },
      weights: { kind: 'fixed', from: 100 - weight, to: weight },
      soakMs,
    });
  });
  return { ok: true, value: { steps, afterwards: 'warm', warnings: [] } };
}

function byReplicas(
  weights: readonly number[],
  soakMs: number | null,
  { replicas, replicasFrom }: StrategyCapacity,
): Result<StrategySteps, StrategyRefusal> {
  if (replicas < 2) {
    return refuse(
      'by',
      `a canary by replicas needs at least 2 replicas to share traffic, there are ${replicas}; use by: weight`,
    );
  }
  const warnings: string[] = [];
  const steps: Step[] = [];
  let previous = 0;
  for (const [index, weight] of weights.entries()) {
    const to: Count = weight === 100 ? FULL : { kind: 'fraction', num: weight, den: 100 };
    const n = evaluateCount(to, replicas);
    if (weight < 100 && (n === previous || n === replicas)) {
      return refuse(
        `weights[${index}]`,
        `${weight} % cannot be expressed by ${replicas} replicas apart from its neighbours (1 replica is ${Math.round(100 / replicas)} %); use by: weight or fewer steps`,
      );
    }
    previous = n;
    const rest = restOf(to);
    const shares = { kind: 'byCapacity' as const, from: rest, to };
    const got = evaluateWeights(shares, replicas, replicasFrom).to;
    if (got !== weight) warnings.push(`weight ${weight} % becomes ${got} %: ${n} of ${replicas} replicas`);
    const old = evaluateCount(rest, replicasFrom, replicas);
    steps.push(
      weight === 100
        ? step(index + 1, `new ${n}, old 0`, { to, weights: ALL_TO, from: ZERO, removeFrom: true })
        : step(index + 1, `new ${n}, old ${old} (${got} %)`, {
            to,
            weights: shares,
            from: rest,
            soakMs,
          }),
    );
  }
  return { ok: true, value: { steps, afterwards: 'cold', warnings } };
}

const refuse = (path: string, message: string) => ({
  ok: false as const,
  error: { path: `spec.strategy.canary.${path}`, message },
});
