import type { Count, Instruction } from '../../api/plan.ts';
import { InvariantViolation, type Result } from '../../lib/errors.ts';
import { evaluateCount, FULL, ZERO } from '../counts.ts';
import { type Position, shift } from './shift.ts';
import {
  addFlip,
  addGrowth,
  addLeave,
  addShrink,
  getsTraffic,
  hadTraffic,
  type Move,
  type PlanWorkload,
  StageBuilder,
} from './stage-instructions.ts';
import type { Step, StrategyRefusal } from './step.ts';

/** Where a workload stands between two steps: the expressions, and what they are at today's size. */
export interface Standing {
  readonly from: Count;
  readonly to: Count;
  /** The entry leads to it no more: its routes have gone. */
  readonly left: boolean;
}

export interface BuiltStage {
  readonly instructions: Instruction[];
  readonly standing: ReadonlyMap<string, Standing>;
}

/**
 * Instructions of one forward step over all workloads, in the order that keeps the floors: everything grows
 * and is proven, then everything flips, then — after the proof of every flip — the old side shrinks.
 */
export function buildStage(
  step: Step,
  workloads: readonly PlanWorkload[],
  standing: ReadonlyMap<string, Standing>,
  options: { first: boolean; last: boolean },
): Result<BuiltStage, StrategyRefusal> {
  const builder = new StageBuilder();
  const after = new Map(standing);
  const jobs = options.first
    ? workloads
        .filter((w) => w.type === 'migration' && w.inTo)
        .map((w) => builder.add(`${w.name}/migrate`, [], { type: 'runJob', side: 'to', workload: w.name }))
    : [];
  const running = workloads.filter((w) => w.type !== 'migration');
  const moves = new Map<string, readonly Move[]>();
  for (const workload of running) {
    const at = standing.get(workload.name);
    if (at === undefined) throw new InvariantViolation('INV-7', `no standing of workload ${workload.name}`);
    const planned = movesOf(step, workload, at, options);
    if (!planned.ok) return planned;
    moves.set(workload.name, planned.value.moves);
    after.set(workload.name, planned.value.standing);
  }
  const rounds = Math.max(0, ...[...moves.values()].map((list) => list.length));
  let barrier: readonly string[] = jobs;
  for (let round = 0; round < rounds; round += 1) {
    const suffix = rounds > 1 ? `.${round + 1}` : '';
    const taking = running.flatMap((workload) => {
      const move = moves.get(workload.name)?.[round];
      return move === undefined ? [] : [{ workload, move }];
    });
    barrier = addRound(builder, step, taking, barrier, suffix);
  }
  return { ok: true, value: { instructions: builder.instructions, standing: after } };
}

function addRound(
  builder: StageBuilder,
  step: Step,
  taking: readonly { workload: PlanWorkload; move: Move }[],
  start: readonly string[],
  suffix: string,
): readonly string[] {
  let needs = start;
  if (step.roll) return addRolls(builder, step, taking, needs, suffix);
  const early = taking.filter(({ move }) => move.shrinkFirst);
  const rebalanced = early.flatMap(({ workload, move }) =>
    workload.routed && move.rebalance !== null
      ? addFlip(builder, workload, move.rebalance, needs, `${suffix}a`)
      : [],
  );
  const shrinkNeeds = rebalanced.length > 0 ? rebalanced : needs;
  needs =
    early.length === 0
      ? needs
      : early.flatMap(({ workload, move }) =>
          addDeparture(builder, step, workload, move, shrinkNeeds, `${suffix}a`),
        );
  const grown = taking.flatMap(({ workload, move }) => addGrowth(builder, workload, move, needs, suffix));
  const flipping = taking.filter(
    ({ workload, move }) => workload.routed && workload.inTo && move.weights !== null,
  );
  const proven = flipping.flatMap(({ workload, move }) =>
    move.weights === null ? [] : addFlip(builder, workload, move.weights, grown, suffix),
  );
  const shrinkAfter = proven.length > 0 ? proven : grown;
  const shrunk = taking
    .filter(({ move }) => !move.shrinkFirst)
    .flatMap(({ workload, move }) => addDeparture(builder, step, workload, move, shrinkAfter, suffix));
  return shrunk.length > 0 ? shrunk : shrinkAfter;
}

/** Users leave where the routes go, then instances do. Empty where nothing of this workload goes. */
function addDeparture(
  builder: StageBuilder,
  step: Step,
  workload: PlanWorkload,
  move: Move,
  needs: readonly string[],
  suffix: string,
): readonly string[] {
  if (move.from === null && !move.leave) return [];
  const left = addLeave(builder, workload, move, needs, suffix);
  return move.from === null ? left : addShrink(builder, workload, step, move.from, left, suffix);
}

/** Rolling updates; what the new revision has no more goes after all of them. */
function addRolls(
  builder: StageBuilder,
  step: Step,
  taking: readonly { workload: PlanWorkload; move: Move }[],
  needs: readonly string[],
  suffix: string,
): readonly string[] {
  const rolled = taking
    .filter(({ workload }) => workload.inTo)
    .map(({ workload, move }) =>
      builder.add(`${workload.name}/roll${suffix}`, addLeave(builder, workload, move, needs, suffix), {
        type: 'rollWorkload',
        workload: workload.name,
        side: 'to',
        replicas: FULL,
      }),
    );
  const gone = taking
    .filter(({ workload }) => !workload.inTo)
    .flatMap(({ workload, move }) =>
      addDeparture(builder, step, workload, move, rolled.length > 0 ? rolled : needs, suffix),
    );
  return [...rolled, ...gone];
}

/**
 * A worker has no traffic that could be taken from it, so that a warm one would go on working: where a service is
 * drained and kept, it finishes what it has and ends (design section 5). Going back starts it again.
 */
const forWorkers = (step: Step): Step => (step.from?.kind === 'full' ? { ...step, from: ZERO } : step);

function movesOf(
  general: Step,
  workload: PlanWorkload,
  at: Standing,
  options: { first: boolean; last: boolean },
): Result<{ moves: readonly Move[]; standing: Standing }, StrategyRefusal> {
  const step = workload.type === 'worker' ? forWorkers(general) : general;
  const whole: Move = {
    to: step.to,
    weights: step.weights,
    from: step.from,
    shrinkFirst: false,
    rebalance: null,
    leave: leaves(step, workload, at),
  };
  // A workload that only the new revision has starts whole; one that only the old has goes with the last stage.
  // At first it is asked for even where the new side is warm: a warm revision lost it when it was replaced.
  if (!workload.inFrom) {
    const grow = at.to.kind === 'full' && !options.first ? null : FULL;
    return {
      ok: true,
      value: { moves: [{ ...whole, to: grow, from: null }], standing: { from: ZERO, to: FULL, left: false } },
    };
  }
  if (!workload.inTo) {
    const from = options.last ? ZERO : null;
    const leave = options.last && hadTraffic(workload);
    return {
      ok: true,
      value: {
        moves: [{ to: null, weights: null, from, shrinkFirst: false, rebalance: null, leave }],
        standing: { from: from ?? at.from, to: ZERO, left: leave },
      },
    };
  }
  const standing = { from: step.from ?? at.from, to: step.to ?? at.to, left: at.left || whole.leave };
  if (step.roll)
    return { ok: true, value: { moves: [whole], standing: { from: ZERO, to: FULL, left: whole.leave } } };
  const { surge, unavailable } = workload;
  // The larger of both: as much as this always carries what each side is meant for.
  const full = sizeOf(workload);
  const start = positionOf(workload, at);
  const end = positionOf(workload, standing);
  // What runs already needs no room: a warm revision can always be gone back to.
  if (end.to <= start.to || start.from + end.to <= full + surge) {
    const uneven = workload.routed && step.weights?.kind === 'byCapacity' && isBelowPercent(workload, end);
    return uneven
      ? { ok: false, error: tooFine(workload, end) }
      : { ok: true, value: { moves: [whole], standing } };
  }
  const shrinks = end.from < start.from && step.weights !== null;
  const positions = shrinks ? shift(start, end, { full, surge, unavailable }) : null;
  if (positions === null) return { ok: false, error: noRoom(workload, start, end) };
  const fine = workload.routed ? positions.find((each) => isBelowPercent(workload, each)) : undefined;
  if (fine !== undefined) return { ok: false, error: tooFine(workload, fine) };
  let previous = start;
  let { leave } = whole;
  const moves = positions.map((position, index): Move => {
    const isLast = index === positions.length - 1;
    const from = position.from === previous.from ? null : isLast ? standing.from : fixed(position.from);
    const shrinkFirst = previous.from + position.to > full + surge;
    // Too little for a percent is what had no traffic before: the old side keeps all of it until there is more.
    const between = { from: position.from, to: previous.to };
    const rebalances = shrinkFirst && between.to > 0 && !isBelowPercent(workload, between);
    const move: Move = {
      to: position.to === previous.to ? null : isLast ? standing.to : fixed(position.to),
      weights: isLast
        ? step.weights
        : { kind: 'byCapacity', from: fixed(position.from), to: fixed(position.to) },
      from,
      shrinkFirst,
      rebalance: rebalances ? { kind: 'byCapacity', from: fixed(between.from), to: fixed(between.to) } : null,
      leave: leave && (isLast || from !== null),
    };
    leave &&= !move.leave;
    previous = position;
    return move;
  });
  return { ok: true, value: { moves, standing } };
}

/** What surge and unavailability are counted from while both sides run. */
export const sizeOf = (w: PlanWorkload): number =>
  Math.max(w.inTo ? w.replicas : 0, w.inFrom ? w.replicasFrom : 0);

/** Instances that the expressions are at today's sizes. */
export const positionOf = (w: PlanWorkload, { from, to }: Pick<Standing, 'from' | 'to'>): Position => ({
  from: w.inFrom ? evaluateCount(from, w.replicasFrom, w.replicas) : 0,
  to: w.inTo ? evaluateCount(to, w.replicas, w.replicasFrom) : 0,
});

/**
 * A service that both revisions have and whose routes go keeps them as long as its old side is at full strength
 * and others' traffic has not moved altogether.
 */
function leaves(step: Step, workload: PlanWorkload, at: Standing): boolean {
  if (!hadTraffic(workload) || getsTraffic(workload) || at.left) return false;
  const shrinks = step.from !== null && step.from.kind !== 'full';
  const moved = step.weights?.kind === 'fixed' && step.weights.to === 100;
  return shrinks || moved || step.roll;
}

const fixed = (n: number): Count => (n === 0 ? ZERO : { kind: 'fixed', n });

/**
 * Routers take whole percents (INV-2). A side with less than half a percent of the instances would be given
 * twice its share or more, or none: its instances could not carry it (INV-1).
 */
function isBelowPercent(workload: PlanWorkload, at: Position): boolean {
  const from = at.from * workload.replicas;
  const to = at.to * workload.replicasFrom;
  return from > 0 && to > 0 && Math.min(from, to) * 200 < from + to;
}

const tooFine = (workload: PlanWorkload, { from, to }: Position): StrategyRefusal => ({
  path: `spec.workloads.${workload.name}.maxSurge`,
  message: `${Math.min(from, to)} of ${from + to} instances of ${workload.name} is less than half a percent, and routers share traffic in whole percents; raise maxSurge or use larger steps`,
});

const noRoom = (workload: PlanWorkload, start: Position, end: Position): StrategyRefusal => ({
  path: `spec.workloads.${workload.name}.maxSurge`,
  message:
    `this strategy needs ${start.from + end.to - sizeOf(workload)} instances of ${workload.name} above its ` +
    `${sizeOf(workload)} replicas, and maxSurge allows ${workload.surge}; raise maxSurge or use custom with smaller steps`,
});
