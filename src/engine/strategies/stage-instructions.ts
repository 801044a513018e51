import type { Count, Instruction, Weights } from '../../api/plan.ts';
import type { Step } from './step.ts';

/** One workload as the plan sees it. */
export interface PlanWorkload {
  readonly name: string;
  readonly type: 'service' | 'worker' | 'migration';
  /** Some route of the release leads to it: its traffic moves and is proven. */
  readonly routed: boolean;
  /** Some route that stands before the release leads to it: the way back restores those. */
  readonly wasRouted: boolean;
  /** Size that the new side should get. */
  readonly replicas: number;
  /** Size that the old side really has: its full strength, whatever the new one gets. */
  readonly replicasFrom: number;
  readonly surge: number;
  readonly unavailable: number;
  /** Which revisions have it. */
  readonly inFrom: boolean;
  readonly inTo: boolean;
}

/** A part of a step that fits the allowance; most steps are one move. */
export interface Move {
  readonly to: Count | null;
  readonly weights: Weights | null;
  readonly from: Count | null;
  /** The old shrinks first: there is no room to grow. */
  readonly shrinkFirst: boolean;
  /** Before it shrinks first, traffic follows what will be left. */
  readonly rebalance: Weights | null;
  /** No route leads to it any more, and the old side begins to go: first the entry stops leading to it. */
  readonly leave: boolean;
}

/** Users reach its old side before the release. */
export const hadTraffic = (w: PlanWorkload): boolean => w.inFrom && w.wasRouted;

/** Users reach its new side after the release. */
export const getsTraffic = (w: PlanWorkload): boolean => w.inTo && w.routed;

/** Distributes over the union, which Omit alone would not. */
type Draft<T> = T extends Instruction ? Omit<T, 'id' | 'needs'> : never;
type InstructionDraft = Draft<Instruction>;

/** Collects the instructions of one stage, with barriers across workloads. */
export class StageBuilder {
  readonly instructions: Instruction[] = [];

  /** Adds one and answers its id. */
  add(id: string, needs: readonly string[], draft: InstructionDraft): string {
    this.instructions.push({ ...draft, id, needs: [...needs] } as Instruction);
    return id;
  }
}

/** Growth of the new side and its proof; answers what the flip of every workload waits for. */
export function addGrowth(
  builder: StageBuilder,
  workload: PlanWorkload,
  move: Move,
  needs: readonly string[],
  suffix: string,
): string[] {
  if (move.to === null || !workload.inTo) {
    if (move.weights === null || !workload.routed || !workload.inTo) return [...needs];
    return [addProof(builder, workload, 'to', { kind: 'full' }, move.weights, needs, suffix)];
  }
  const id = (verb: string) => `${workload.name}/${verb}${suffix}`;
  if (move.to.kind === 'zero') return [...needs];
  const ensured = builder.add(id('ensure-new'), needs, {
    type: 'ensureWorkload',
    side: 'to',
    workload: workload.name,
    replicas: move.to,
  });
  const ready = builder.add(id('ready-new'), [ensured], {
    type: 'awaitReady',
    side: 'to',
    workload: workload.name,
    replicas: move.to,
  });
  if (!workload.routed) return [ready];
  return [
    addProof(
      builder,
      workload,
      'to',
      move.to,
      move.weights ?? { kind: 'fixed', from: 100, to: 0 },
      [ready],
      suffix,
    ),
  ];
}

function addProof(
  builder: StageBuilder,
  workload: PlanWorkload,
  side: 'from' | 'to',
  replicas: Count,
  weights: Weights,
  needs: readonly string[],
  suffix: string,
): string {
  const id = `${workload.name}/prove-before${suffix}`;
  return builder.add(id, needs, {
    type: 'proveTraffic',
    when: 'before',
    workload: workload.name,
    side,
    replicas,
    weights,
  });
}

/** The flip of one workload and its proof after. */
export function addFlip(
  builder: StageBuilder,
  workload: PlanWorkload,
  weights: Weights,
  needs: readonly string[],
  suffix: string,
): string[] {
  const effective: Weights = workload.inFrom ? weights : { kind: 'fixed', from: 0, to: 100 };
  const set = builder.add(`${workload.name}/traffic${suffix}`, needs, {
    type: 'setTraffic',
    workload: workload.name,
    weights: effective,
  });
  return [
    builder.add(`${workload.name}/prove-after${suffix}`, [set], {
      type: 'proveTraffic',
      when: 'after',
      workload: workload.name,
      side: 'to',
      replicas: { kind: 'full' },
      weights: effective,
    }),
  ];
}

/** The entry stops leading to a service whose routes go, before the first of its instances does. */
export function addLeave(
  builder: StageBuilder,
  workload: PlanWorkload,
  move: Move,
  needs: readonly string[],
  suffix: string,
): readonly string[] {
  if (!move.leave) return needs;
  const id = `${workload.name}/remove-traffic${suffix}`;
  return [builder.add(id, needs, { type: 'removeTraffic', workload: workload.name })];
}

/** The old side shrinks or goes. */
export function addShrink(
  builder: StageBuilder,
  workload: PlanWorkload,
  step: Pick<Step, 'removeFrom'>,
  from: Count,
  needs: readonly string[],
  suffix: string,
): string[] {
  if (!workload.inFrom) return [...needs];
  const drained = builder.add(`${workload.name}/drain-old${suffix}`, needs, {
    type: 'drain',
    side: 'from',
    workload: workload.name,
    replicas: from,
  });
  if (!step.removeFrom || from.kind !== 'zero') return [drained];
  return [
    builder.add(`${workload.name}/remove-old${suffix}`, [drained], {
      type: 'removeWorkload',
      side: 'from',
      workload: workload.name,
    }),
  ];
}
