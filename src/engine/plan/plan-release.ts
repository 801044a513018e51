import type { RouteSpec } from '../../api/application.ts';
import type { Gate } from '../../api/gate.ts';
import type { Plan, Stage } from '../../api/plan.ts';
import type { ReleasePolicy, Strategy } from '../../api/strategy.ts';
import { digestOf } from '../../lib/digest.ts';
import type { Result } from '../../lib/errors.ts';
import { evaluateCount, FULL, ZERO } from '../counts.ts';
import { buildStage, type Standing } from '../strategies/stage.ts';
import type { PlanWorkload } from '../strategies/stage-instructions.ts';
import type { Step, StrategyRefusal } from '../strategies/step.ts';
import { pausesOf, planSteps } from './steps.ts';

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
  /** Instances of this application that may run at once, both versions counted; null: no limit. */
  readonly maxInstances: number | null;
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
    capacity: { replicas: primary },
  });
  if (!planned.ok) return { ok: false, error: [...refusals, planned.error] };
  const { steps, afterwards, numbers, name } = planned.value;
  refusals.push(...checkNumbers(input, numbers, pausesOf(input.strategy, name)));
  let standing: ReadonlyMap<string, Standing> = new Map(
    input.workloads.map((w) => [
      w.name,
      { from: w.inFrom ? FULL : ZERO, to: input.toIsWarm && w.inTo ? FULL : ZERO },
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
    stages.push(
      stageOf(
        step,
        index,
        steps.length,
        built.value.instructions,
        standing,
        input,
        pausesOf(input.strategy, name),
      ),
    );
  }
  if (input.maxInstances !== null && peak > input.maxInstances) {
    refusals.push({
      path: 'spec.workload.replicas',
      message: `this release needs ${peak} instances at its widest and the environment allows ${input.maxInstances}; use fewer replicas or a strategy that overlaps less (custom)`,
    });
  }
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
export function primaryOf(workloads: readonly PlanWorkload[]): number {
  const running = workloads.filter((w) => w.type !== 'migration' && w.inTo);
  const routed = running.filter((w) => w.routed);
  return Math.max(0, ...(routed.length > 0 ? routed : running).map((w) => w.replicas));
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
  const covers = (n: number | undefined) => n !== undefined && step.covers.includes(n);
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
  const paused = index < count - 1 && step.covers.some((n) => pauses.includes(n));
  const flips = instructions.some((i) => i.type === 'setTraffic' || i.type === 'rollWorkload');
  return {
    number: index + 1,
    title: step.title,
    instructions,
    advance: paused
      ? { kind: 'manual' }
      : step.soakMs !== null
        ? { kind: 'soak', ms: step.soakMs }
        : { kind: 'auto' },
    gatesBefore: [...protection, ...input.gates.filter((g) => covers(g.before))],
    gatesAfter: input.gates.filter((g) => covers(g.after)),
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

function peakOf(
  workloads: readonly PlanWorkload[],
  before: ReadonlyMap<string, Standing>,
  after: ReadonlyMap<string, Standing>,
): number {
  return workloads
    .filter((w) => w.type !== 'migration')
    .reduce((sum, w) => {
      const old = evaluateCount(before.get(w.name)?.from ?? ZERO, w.inFrom ? w.replicas : 0);
      const fresh = evaluateCount(after.get(w.name)?.to ?? ZERO, w.inTo ? w.replicas : 0);
      return sum + Math.min(old + fresh, w.replicas + w.surge);
    }, 0);
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
