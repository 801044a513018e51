import * as z from 'zod';
import { Gate } from './gate.ts';
import { Name } from './meta.ts';

/**
 * A target that is evaluated when it is carried out, against `full` = max(spec, live wish) of the workload
 * at that moment, so that an autoscaler's move is no drift of the plan (design section 5). Each side has its own:
 * the old one the size that it really has, the new one the size that it should get.
 *
 * - `full`: all of it. `zero`: none.
 * - `fixed`: `n`, never above full.
 * - `fraction`: full × num / den, rounded half up or, with `round: 'up'`, up; at least 1.
 * - `rest`: what the fraction of the other side leaves of this one: full × (1 − part of the other / its full),
 *   rounded up. Where both sides are of one size that is full − the fraction.
 */
export const Count = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('full') }),
  z.strictObject({ kind: z.literal('zero') }),
  z.strictObject({ kind: z.literal('fixed'), n: z.number().int().min(0) }),
  z.strictObject({
    kind: z.literal('fraction'),
    num: z.number().int().min(0),
    den: z.number().int().min(1),
    round: z.literal('up').optional(),
  }),
  z.strictObject({
    kind: z.literal('rest'),
    of: z.union([
      z.strictObject({ n: z.number().int() }),
      z.strictObject({ num: z.number().int(), den: z.number().int() }),
    ]),
  }),
]);
export type Count = z.infer<typeof Count>;

/** Which revision of the release an instruction speaks of. */
export const Side = z.enum(['from', 'to']);
export type Side = z.infer<typeof Side>;

/**
 * Share of traffic: fixed percentages, or by the part of its full size that each side has admitted
 * (`byCapacity`), which is the ratio of instances where both are of one size.
 */
export const Weights = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('fixed'),
    from: z.number().int().min(0).max(100),
    to: z.number().int().min(0).max(100),
  }),
  z.strictObject({ kind: z.literal('byCapacity'), from: Count, to: Count }),
]);
export type Weights = z.infer<typeof Weights>;

const ordered = {
  /** Unique in its stage, stable. */
  id: z.string(),
  /** Instructions of the same stage that must be done first. */
  needs: z.array(z.string()),
};

export const Instruction = z.discriminatedUnion('type', [
  /** The workload of this side has this many instances wanted, each with its own configuration. */
  z.strictObject({
    ...ordered,
    type: z.literal('ensureWorkload'),
    side: Side,
    workload: Name,
    replicas: Count,
    /** What is wanted more of stays: it may carry traffic that has not been moved yet. */
    atLeast: z.boolean().optional(),
  }),
  z.strictObject({ ...ordered, type: z.literal('awaitReady'), side: Side, workload: Name, replicas: Count }),
  /** `before`: each instance answered through its preview. `after`: the entry shows the weighted versions alone. */
  z.strictObject({
    ...ordered,
    type: z.literal('proveTraffic'),
    when: z.enum(['before', 'after']),
    workload: Name,
    side: Side,
    replicas: Count,
    weights: Weights,
  }),
  z.strictObject({ ...ordered, type: z.literal('setTraffic'), workload: Name, weights: Weights }),
  /** Requests leave the instances that are too many, then these end; with `replicas: full` they only leave. */
  z.strictObject({ ...ordered, type: z.literal('drain'), side: Side, workload: Name, replicas: Count }),
  z.strictObject({ ...ordered, type: z.literal('removeWorkload'), side: Side, workload: Name }),
  /** `rolling`: the workload's own controller replaces instances within surge and unavailability. */
  z.strictObject({
    ...ordered,
    type: z.literal('rollWorkload'),
    workload: Name,
    side: Side,
    replicas: Count,
  }),
  /** Every instance is replaced, new before old, configuration unchanged. */
  z.strictObject({ ...ordered, type: z.literal('restartWorkload'), side: Side, workload: Name }),
  /** The service's routes go from the entry: nothing public reaches any version of it. */
  z.strictObject({ ...ordered, type: z.literal('removeTraffic'), workload: Name }),
  z.strictObject({ ...ordered, type: z.literal('runJob'), side: Side, workload: Name }),
  /** A gate that runs at the agent. */
  z.strictObject({
    ...ordered,
    type: z.literal('runGate'),
    gate: Gate,
    gateRun: z.string(),
    side: Side,
    workload: Name.nullable(),
  }),
]);
export type Instruction = z.infer<typeof Instruction>;
export type InstructionType = Instruction['type'];

/** Capacity and traffic of one workload when a stage is done (or at its widest). */
export const StageWorkload = z.strictObject({
  workload: Name,
  from: Count,
  to: Count,
  weights: Weights.nullable(),
});

export const Stage = z.strictObject({
  /** From 1, as gates and people count. */
  number: z.number().int().min(1),
  title: z.string(),
  instructions: z.array(Instruction),
  /** How it ends: at once, by a person's `promote`, or after a soak. */
  advance: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('auto') }),
    z.strictObject({ kind: z.literal('manual') }),
    z.strictObject({ kind: z.literal('soak'), ms: z.number().int().min(0) }),
  ]),
  gatesBefore: z.array(Gate),
  gatesAfter: z.array(Gate),
  /** Whether public traffic changes version in it. */
  flips: z.boolean(),
  result: z.array(StageWorkload),
});
export type Stage = z.infer<typeof Stage>;

export const Plan = z.strictObject({
  strategy: z.string(),
  stages: z.array(Stage),
  /** What happens to the old revision when all is done. */
  afterwards: z.enum(['warm', 'cold', 'none']),
  /** Words on how to go back, by stage. */
  rollback: z.array(z.strictObject({ until: z.number().int(), how: z.string(), flips: z.number().int() })),
  warnings: z.array(z.string()),
  /** sha256 over expressions and digests, first 6 hex digits shown to people. */
  hash: z.string(),
});
export type Plan = z.infer<typeof Plan>;
