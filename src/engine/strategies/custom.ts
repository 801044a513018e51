import type { Strategy } from '../../api/strategy.ts';
import type { Result } from '../../lib/errors.ts';
import { evaluateCount, FULL, ZERO } from '../counts.ts';
import { asCount, restOf } from './scaled.ts';
import {
  ALL_TO,
  type Step,
  type StrategyCapacity,
  type StrategyRefusal,
  type StrategySteps,
  step,
} from './step.ts';

/**
 * Groups: each stage replaces the old by the new up to a percentage; the entry selects both throughout.
 * With `beta` a first stage has one new instance that only its own address reaches.
 */
export function custom(
  options: NonNullable<Strategy['custom']>,
  capacity: StrategyCapacity,
): Result<StrategySteps, StrategyRefusal> {
  for (const [index, percentage] of options.percentages.entries()) {
    const before = options.percentages[index - 1];
    if (before !== undefined && percentage <= before) {
      return refuse(
        `percentages[${index}]`,
        `${percentage} does not rise above ${before}; percentages must rise to 100`,
      );
    }
  }
  if (options.percentages.at(-1) !== 100) {
    return refuse(
      'percentages',
      `the last percentage is ${options.percentages.at(-1)}; percentages must rise to 100`,
    );
  }
  const steps: Step[] = options.beta
    ? [step(1, 'beta: 1 new without public traffic', { to: { kind: 'fixed', n: 1 } })]
    : [];
  for (const percentage of options.percentages) {
    const number = steps.length + 1;
    const to = asCount(`${percentage}%`);
    const rest = restOf(to);
    const old = evaluateCount(rest, capacity.replicasFrom, capacity.replicas);
    const title = `new ${evaluateCount(to, capacity.replicas)}, old ${old}`;
    steps.push(
      old === 0
        ? step(number, title, { to: FULL, weights: ALL_TO, from: ZERO, removeFrom: true })
        : step(number, title, { to, weights: { kind: 'byCapacity', from: rest, to }, from: rest }),
    );
  }
  return { ok: true, value: { steps, afterwards: 'cold', warnings: [] } };
}

const refuse = (path: string, message: string) => ({
  ok: false as const,
  error: { path: `spec.strategy.custom.${path}`, message },
});
