import type { RouteSpec } from '../../api/application.ts';
import type { Gate } from '../../api/gate.ts';
import type { Plan, Stage } from '../../api/plan.ts';
import type { ReleasePolicy, Strategy } from '../../api/strategy.ts';
import { digestOf } from '../../lib/digest.ts';
import type { Result } from '../../lib/errors.ts';
import { FULL, ZERO } from '../counts.ts';
import { buildStage, positionOf, type Standing, sizeOf } from '../strategies/stage.ts';
import type { PlanWorkload } from '../strategies/stage-instructions.ts';
import type { Step, StrategyRefusal } from '../strategies/step.ts';
import { movesTraffic } from './moves-traffic.ts';
import { planSteps } from './steps.ts';

export interface PlanInput {
  readonly strategy: Strategy;
  readonly liveStrategy: string | null;
  readonly from: { readonly name: string; readonly digest: string } | null;
  readonly to: { readonly name: string; readonly digest: string };
  /** The destination still runs at full size without traffic. */
  readonly toIsWarm: boolean;
  readonly workloads: readonly PlanWorkload[];
  readonly gates: readonly Gate[];
  readonly routes: readonly RouteSpec[];
  readonly policy: ReleasePolicy;
  readonly clusters: readonly string[];
  /** The environment's own demand for an approval before anything starts. */
  readonly approval: { readonly by: string; readonly expires: string } | null;
  /** Instances of this application that may run at once, every version counted; null: no limit. */
  readonly maxInstances: number | null;
  /** Warm revisions that the release leaves alone, as large as they stand: they count for `maxInstances`. */
  readonly keptWarm: readonly KeptWarm[];
}

export interface KeptWarm {
  readonly revision: string;
  readonly instances: number;
  readonly expiresAt: string;
}

/** Name of the gate that an environment's protection adds. */
export const PROTECTION_GATE = 'environment-approval';

/**
 * Freezes what a release will do: `(from, to, parameters, capacity) → stages`. Pure: the same input gives the
 * same plan and hash. Refusals name the path in the application's file.
 */
export function planRelease(input: PlanInput): Result<Plan, readonly StrategyRefusal[]> {
  const impossible = [...checkWorkloads(input)];
  if (impossible.length > 0) return { ok: false, error: impossible };
  const refusals: StrategyRefusal[] = [];
  const primary = primaryOf(input.workloads);
  const planned = planSteps({
    strategy: input.strategy,
    liveStrategy: input.liveStrategy,
    hasFrom: input.from !== null,
    toIsWarm: input.toIsWarm,
    capacity: { replicas: primary, replicasFrom: sizeBefore(input.workloads) ?? primary },
    gates: input.gates,
  });
  if (!planned.ok) return { ok: false, error: [...refusals, planned.error] };
  const { steps, afterwards, numbers, name, pauses, shortened } = planned.value;
  const waits = shortened ? [] : pauses;
  refusals.push(...checkNumbers(input, numbers, pauses));
  let standing: ReadonlyMap<string, Standing> = new Map(
    input.workloads.map((w) => [
      w.name,
      {
        from: w.inFrom ? FULL : ZERO,
        // Workers are never kept warm: they would work.
        to: input.toIsWarm && w.inTo && w.type !== 'worker' ? FULL : ZERO,
        left: false,
      },
    ]),
  );
  const stages: Stage[] = [];
  let peak = 0;
  for (const [index, step] of steps.entries()) {
    const before = standing;
    const built = buildStage(step, input.workloads, standing, {
      first: index === 0,
      last: index === steps.length - 1,
    });
    if (!built.ok) return { ok: false, error: [...refusals, built.error] };
    standing = built.value.standing;
    peak = Math.max(peak, peakOf(input.workloads, before, standing));
    stages.push(stageOf(step, index, steps.length, built.value.instructions, standing, input, waits));
  }
  refusals.push(...checkLimit(input, peak));
  if (refusals.length > 0) return { ok: false, error: refusals };
  const warnings = [...planned.value.warnings, ...hazards(input, primary)];
  const rollback = rollbackOf(stages, afterwards, input);
  const hashed = {
    strategy: name,
    stages: stages.map(({ title: _, ...rest }) => rest),
    from: input.from?.digest ?? null,
    to: input.to.digest,
    routes: input.routes,
    policy: input.policy,
    clusters: input.clusters,
    afterwards,
  };
  return {
    ok: true,
    value: { strategy: name, stages, afterwards, rollback, warnings, hash: digestOf(hashed) },
  };
}

/** Size against which counts are checked and titles are written: the largest workload with traffic, or at all. */
export const primaryOf = (workloads: readonly PlanWorkload[]): number => largest(workloads)?.replicas ?? 0;

/** Size that the old side of the same workload has; undefined where it is new. */
function sizeBefore(workloads: readonly PlanWorkload[]): number | undefined {
  const w = largest(workloads);
  return w?.inFrom === true ? w.replicasFrom : undefined;
}

function largest(workloads: readonly PlanWorkload[]): PlanWorkload | undefined {
  const running = workloads.filter((w) => w.type !== 'migration' && w.inTo);
  const routed = running.filter((w) => w.routed);
  return (routed.length > 0 ? routed : running).toSorted((a, b) => b.replicas - a.replicas)[0];
}

function stageOf(
  step: Step,
  index: number,
  count: number,
  instructions: Stage['instructions'],
  standing: ReadonlyMap<string, Standing>,
  input: PlanInput,
  pauses: readonly number[],
): Stage {
  const protection: Gate[] =
    index === 0 && input.approval !== null
      ? [
          {
            name: PROTECTION_GATE,
            before: 1,
            timeout: '10s',
            interval: '1s',
            successes: 1,
            failureLimit: 1,
            approval: input.approval,
          },
        ]
      : [];
  const paused = index < count - 1 && step.covers.after.some((n) => pauses.includes(n));
  const flips = instructions.some(movesTraffic);
  return {
    number: index + 1,
    title: step.title,
    instructions,
    advance: paused
      ? { kind: 'manual' }
      : step.soakMs !== null
        ? { kind: 'soak', ms: step.soakMs }
        : { kind: 'auto' },
    gatesBefore: [...protection, ...input.gates.filter((g) => names(step.covers.before, g.before))],
    gatesAfter: input.gates.filter((g) => names(step.covers.after, g.after)),
    flips,
    result: input.workloads
      .filter((w) => w.type !== 'migration')
      .map((w) => {
        const at = standing.get(w.name) ?? { from: ZERO, to: ZERO };
        return {
          workload: w.name,
          from: at.from,
          to: at.to,
          weights: w.routed && flips && step.weights !== null ? step.weights : null,
        };
      }),
  };
}

const names = (covered: readonly number[], stage: number | undefined): boolean =>
  stage !== undefined && covered.includes(stage);

function peakOf(
  workloads: readonly PlanWorkload[],
  before: ReadonlyMap<string, Standing>,
  after: ReadonlyMap<string, Standing>,
): number {
  return workloads
    .filter((w) => w.type !== 'migration')
    .reduce((sum, w) => {
      const start = positionOf(w, before.get(w.name) ?? { from: ZERO, to: ZERO });
      const end = positionOf(w, after.get(w.name) ?? { from: ZERO, to: ZERO });
      const together = start.from + end.to;
      // Only growth is held within the surge: what is warm runs already.
      return sum + (end.to > start.to ? Math.min(together, sizeOf(w) + w.surge) : together);
    }, 0);
}

function* checkLimit({ maxInstances, keptWarm }: PlanInput, peak: number): Iterable<StrategyRefusal> {
  const warm = keptWarm.reduce((sum, { instances }) => sum + instances, 0);
  if (maxInstances === null || peak + warm <= maxInstances) return;
  const kept = keptWarm.map(
    ({ revision, instances, expiresAt }) => `${instances} of ${revision}, kept warm until ${expiresAt}`,
  );
  const among = warm === 0 ? '' : ` (${kept.join(', ')})`;
  const remedy =
    warm > 0 && peak <= maxInstances
      ? 'release again once the warm ones have gone, or use a shorter retention'
      : 'use fewer replicas or a strategy that overlaps less (custom)';
  yield {
    path: 'spec.workload.replicas',
    message: `this release needs ${peak + warm} instances at its widest${among} and the environment allows ${maxInstances}; ${remedy}`,
  };
}

function* checkWorkloads({ workloads }: PlanInput): Iterable<StrategyRefusal> {
  for (const w of workloads) {
    if (w.routed && w.inTo && w.replicas === 0) {
      yield {
        path: `spec.workloads.${w.name}.replicas`,
        message: `${w.name} has routes and 0 replicas: nothing could answer; use 1 or more, or remove its routes`,
      };
    }
    if (w.inFrom && w.inTo && w.type !== 'migration' && w.surge === 0 && w.unavailable === 0) {
      yield {
        path: `spec.workloads.${w.name}.maxSurge`,
        message: `${w.name} has maxSurge 0 and nothing of it may be unavailable: no instance could be replaced; allow a surge of at least 1`,
      };
    }
  }
}

function* checkNumbers(
  { gates, strategy, approval }: PlanInput,
  numbers: number,
  pauses: readonly number[],
): Iterable<StrategyRefusal> {
  const kind = Object.keys(strategy)[0];
  const names = new Set<string>(approval === null ? [] : [PROTECTION_GATE]);
  for (const [index, gate] of gates.entries()) {
    const at = gate.before ?? gate.after ?? 0;
    if (at > numbers)
      yield {
        path: `spec.gates[${index}]`,
        message: `gate ${gate.name} names stage ${at}, and ${kind} has ${numbers} stages`,
      };
    if (names.has(gate.name))
      yield { path: `spec.gates[${index}].name`, message: `two gates are named ${gate.name}` };
    names.add(gate.name);
  }
  for (const pause of pauses) {
    if (pause > numbers)
      yield {
        path: `spec.strategy.${kind}.pause`,
        message: `pause after stage ${pause}, and ${kind} has ${numbers} stages`,
      };
  }
}

function hazards({ workloads, from }: PlanInput, primary: number): string[] {
  const single = workloads.filter((w) => w.routed && w.inTo && w.replicas === 1).map((w) => w.name);
  return [
    ...(single.length > 0
      ? [`${single.join(', ')} has 1 replica: an instance that dies by itself interrupts the service`]
      : []),
    ...(from === null && primary > 0 ? ['first release: there is nothing to go back to'] : []),
  ];
}

function rollbackOf(
  stages: readonly Stage[],
  afterwards: Plan['afterwards'],
  input: PlanInput,
): Plan['rollback'] {
  if (input.from === null)
    return [{ until: stages.length, how: 'nothing to go back to: abort removes the new version', flips: 0 }];
  const firstFlip = stages.find((s) => s.flips)?.number ?? stages.length;
  const before =
    firstFlip > 1
      ? [{ until: firstFlip - 1, how: 'remove the new version; users have not seen it', flips: 0 }]
      : [];
  const during = {
    until: stages.length,
    how: 'old version to full strength, one flip back, remove the new version',
    flips: 1,
  };
  const later =
    afterwards === 'warm'
      ? { until: 0, how: `afterwards: one flip to ${input.from.name} while it is warm`, flips: 1 }
      : {
          until: 0,
          how: `afterwards: the same strategy from ${input.to.name} to ${input.from.name}`,
          flips: stages.filter((s) => s.flips).length,
        };
  return [...before, during, later];
}
