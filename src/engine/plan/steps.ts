import { durationMs } from '../../api/duration.ts';
import type { Gate } from '../../api/gate.ts';
import { type Strategy, type StrategyName, strategyName } from '../../api/strategy.ts';
import type { Result } from '../../lib/errors.ts';
import { evaluateCount, evaluateWeights } from '../counts.ts';
import { blueGreen } from '../strategies/blue-green.ts';
import { canary } from '../strategies/canary.ts';
import { custom } from '../strategies/custom.ts';
import { scaled } from '../strategies/scaled.ts';
import { first, rolling, warmFlip } from '../strategies/single.ts';
import type { Step, StrategyCapacity, StrategyRefusal, StrategySteps } from '../strategies/step.ts';
import { firstUsersStage, lateGates, needsQuietMoment } from './gate-places.ts';

export interface StepsInput {
  readonly strategy: Strategy;
  /** Strategy that put the live revision there; null when nothing is live or it is not known. */
  readonly liveStrategy: string | null;
  readonly hasFrom: boolean;
  readonly toIsWarm: boolean;
  readonly capacity: StrategyCapacity;
  readonly gates: readonly Gate[];
}

export interface PlannedSteps extends StrategySteps {
  /** Strategy that is carried out, which the change from or to `rolling` makes blueGreen. */
  readonly name: StrategyName;
  /** Words about gates that are asked too late for users; among the warnings as well. */
  readonly lateGates: readonly string[];
  /** Stage numbers that gates and pauses may name. */
  readonly numbers: number;
  /** Stage numbers after which it waits for `promote`. */
  readonly pauses: readonly number[];
  /** One flip or a first release stands for the whole strategy: gates are asked, pauses are not made. */
  readonly shortened: boolean;
}

/** The steps of a strategy, merged where neighbours are equal, or the special cases that replace them. */
export function planSteps(input: StepsInput): Result<PlannedSteps, StrategyRefusal> {
  const wanted = strategyName(input.strategy);
  const switches =
    input.hasFrom &&
    input.liveStrategy !== null &&
    (wanted === 'rolling') !== (input.liveStrategy === 'rolling');
  const name: StrategyName = switches ? 'blueGreen' : wanted;
  const own = stepsOf(name, input);
  if (!own.ok) return own;
  const numbers = own.value.steps.length;
  const usersFrom = firstUsersStage(own.value.steps);
  const covers = own.value.steps.map((_, index) => index + 1);
  const late = lateGates(input.gates, usersFrom, name);
  const shortening = { covers, usersFrom, split: needsQuietMoment(input.gates, usersFrom) };
  const asked = input.strategy[wanted]?.pause ?? [];
  const pauses = name === wanted || stageCount(wanted, input) === numbers ? asked : [];
  const warnings = [
    ...(switches
      ? [`changing from ${input.liveStrategy} to ${wanted}: this release goes once by ${name}`]
      : []),
    ...(pauses.length < asked.length
      ? [
          `pauses after stages ${asked.join(', ')} of ${wanted} are left out this once: ${name} has other stages`,
        ]
      : []),
    ...own.value.warnings,
    ...late,
  ];
  const about = { warnings, lateGates: late, name, numbers, pauses };
  const short = !input.hasFrom
    ? first(shortening)
    : input.toIsWarm && name !== 'rolling'
      ? warmFlip(shortening)
      : null;
  if (short !== null) return { ok: true, value: { ...short, ...about, shortened: true } };
  return {
    ok: true,
    value: {
      ...own.value,
      steps: mergeEqual(own.value.steps, input.capacity),
      ...about,
      shortened: false,
    },
  };
}

/** How many stages this strategy would have; null where it cannot be carried out. */
function stageCount(name: StrategyName, input: StepsInput): number | null {
  const steps = stepsOf(name, input);
  return steps.ok ? steps.value.steps.length : null;
}

function stepsOf(
  name: StrategyName,
  { strategy, capacity }: StepsInput,
): Result<StrategySteps, StrategyRefusal> {
  switch (name) {
    case 'scaled':
      return scaled(
        strategy.scaled ?? { pause: [], warm: false, retention: { time: '30m', count: 1 } },
        capacity,
      );
    case 'custom':
      return strategy.custom === undefined ? missing(name) : custom(strategy.custom, capacity);
    case 'canary':
      return strategy.canary === undefined ? missing(name) : canary(strategy.canary, capacity);
    case 'blueGreen':
      return blueGreen(capacity);
    case 'rolling':
      return { ok: true, value: rolling() };
  }
}

const missing = (name: string) => ({
  ok: false as const,
  error: { path: `spec.strategy.${name}`, message: 'is not set' },
});

/** Equal neighbours do the same twice, as `scaled` does with one or two replicas; the later one's goal stays. */
function mergeEqual(steps: readonly Step[], { replicas, replicasFrom }: StrategyCapacity): readonly Step[] {
  const merged: Step[] = [];
  let before = { from: replicasFrom, to: 0, weight: 0 };
  for (const each of steps) {
    const now = {
      from: each.from === null ? before.from : evaluateCount(each.from, replicasFrom, replicas),
      to: each.to === null ? before.to : evaluateCount(each.to, replicas, replicasFrom),
      weight:
        each.weights === null ? before.weight : evaluateWeights(each.weights, replicas, replicasFrom).to,
    };
    const previous = merged.at(-1);
    const same = now.from === before.from && now.to === before.to && now.weight === before.weight;
    // A drain that keeps the size (blueGreen's third stage) does something all the same.
    const drains = each.from !== null && each.from.kind === 'full' && each.weights === null;
    if (previous !== undefined && same && !drains && !each.roll) {
      merged[merged.length - 1] = {
        ...previous,
        ...each,
        weights: each.weights ?? previous.weights,
        title: previous.title,
        covers: {
          before: [...previous.covers.before, ...each.covers.before],
          after: [...previous.covers.after, ...each.covers.after],
        },
      };
    } else {
      merged.push(each);
    }
    before = now;
  }
  return merged;
}

/** How long and how many old revisions stay warm; null where the strategy leaves them cold. */
export function retentionOf(strategy: Strategy): { ms: number; count: number } | null {
  const name = strategyName(strategy);
  const options = name === 'blueGreen' || name === 'scaled' || name === 'canary' ? strategy[name] : undefined;
  return options === undefined
    ? null
    : { ms: durationMs(options.retention.time), count: options.retention.count };
}
