import * as z from 'zod';
import { RouteSpec } from './application.ts';
import { Condition, kindSchema, Name } from './meta.ts';
import { Instruction } from './plan.ts';
import { TrafficTotals } from './release.ts';
import { RevisionSpec } from './revision.ts';

/** One stage's instructions for one cluster, complete in itself: the agent needs nothing else but artifacts and secrets. */
export const ExecutionSpec = z.looseObject({
  /** Release by name; null for work outside releases. Fencing is by `subject`. */
  release: z.string().nullable(),
  /** Fencing key: `release/NAME` or `track/NAME`. */
  subject: z.string(),
  purpose: z.enum(['stage', 'retire', 'inPlace', 'delete', 'restart']),
  application: Name,
  environment: Name,
  cluster: Name,
  epoch: z.number().int(),
  sequence: z.number().int(),
  slipwayVersion: z.string(),
  stage: z.number().int(),
  instructions: z.array(Instruction),
  from: z.looseObject({ name: z.string(), spec: RevisionSpec }).nullable(),
  to: z.looseObject({ name: z.string(), spec: RevisionSpec }),
  /** Wanted instances by workload: max(spec, live wish) starts from this. */
  replicas: z.record(Name, z.number().int()),
  /** The same of side `from`, where the release changes the size along with the revision; absent: `replicas`. */
  replicasFrom: z.record(Name, z.number().int()).optional(),
  maxSurge: z.record(Name, z.union([z.number(), z.string()])),
  maxUnavailable: z.record(Name, z.union([z.number(), z.string()])),
  routes: z.array(RouteSpec),
  /** Longest time without progress before the agent calls it failed, in ms. */
  deadlineMs: z.number().int(),
});
export type ExecutionSpec = z.infer<typeof ExecutionSpec>;

export const InstructionStatus = z.looseObject({
  id: z.string(),
  state: z.enum(['pending', 'running', 'done', 'failed', 'unknown', 'cancelled']),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  /** What it is doing or waits for, in words. */
  message: z.string(),
  /** Measured facts, by instruction type: flipMs, proof, drain, instances. */
  evidence: z.record(z.string(), z.unknown()),
});
export type InstructionStatus = z.infer<typeof InstructionStatus>;

export const ExecutionStatus = z.looseObject({
  phase: z.enum(['Pending', 'Accepted', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Refused']),
  instructions: z.array(InstructionStatus),
  failure: z
    .looseObject({
      reason: z.string(),
      message: z.string(),
      affects: z.string(),
      next: z.string(),
      instruction: z.string().nullable(),
    })
    .nullable(),
  /** Counted at the agent's router since the release's first execution there. */
  traffic: TrafficTotals.nullable(),
  acceptedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});
export type ExecutionStatus = z.infer<typeof ExecutionStatus>;
export const Execution = kindSchema('Execution', ExecutionSpec, ExecutionStatus);
export type Execution = z.output<typeof Execution>;

export const GateVerdict = z.enum(['pass', 'fail', 'inconclusive', 'unknown', 'skipped']);
export type GateVerdict = z.infer<typeof GateVerdict>;

export const GateRunSpec = z.looseObject({
  release: z.string(),
  stage: z.number().int(),
  when: z.enum(['before', 'after']),
  gate: z.custom<import('./gate.ts').Gate>(),
  epoch: z.number().int(),
});
export type GateRunSpec = z.infer<typeof GateRunSpec>;
export const GateRunStatus = z.looseObject({
  state: z.enum(['pending', 'running', 'done']),
  verdict: GateVerdict.nullable(),
  message: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  /** What was seen, newest last, bounded. */
  samples: z.array(
    z.looseObject({ at: z.string(), verdict: GateVerdict, message: z.string(), ms: z.number() }),
  ),
  /** Who approved, rejected or skipped, and why. */
  by: z.string().nullable(),
  why: z.string().nullable(),
});
export type GateRunStatus = z.infer<typeof GateRunStatus>;
export const GateRun = kindSchema('GateRun', GateRunSpec, GateRunStatus);
export type GateRun = z.output<typeof GateRun>;

const Figure = z.looseObject({ source: z.string() });
/** The measured evidence of a release (design section 11): each figure with its source, or "not measured". */
export const ReceiptSpec = z.looseObject({
  release: z.string(),
  application: Name,
  environment: Name,
  from: z.string().nullable(),
  to: z.string(),
  phase: z.string(),
  wallMs: z.number(),
  requests: Figure.extend({
    total: z.number().nullable(),
    failed: z.number().nullable(),
    failures: z.record(z.string(), z.number()),
    /** Whole answers of the application with a status of 500 and above, from the same source; null: not measured. */
    answered5xx: z.number().nullable().optional(),
    byVersion: z.record(z.string(), z.looseObject({})),
  }),
  prober: Figure.extend({ total: z.number().nullable(), failed: z.number().nullable() }),
  /** Requests of proofs after flips, which the data plane counts among all; absent in receipts of older versions. */
  proofs: Figure.extend({ total: z.number().nullable() }).optional(),
  flips: z.array(
    Figure.extend({
      stage: z.number(),
      cluster: z.string(),
      at: z.string(),
      flipMs: z.number(),
      weights: z.record(z.string(), z.number()),
      proofBefore: z.string(),
      proofAfter: z.string(),
    }),
  ),
  drains: z.array(
    Figure.extend({
      stage: z.number(),
      cluster: z.string(),
      version: z.string(),
      ms: z.number(),
      requests: z.number(),
      streams: z.number(),
      cut: z.number(),
      /** Instances that ignored SIGTERM for their whole grace; absent where none did. */
      killed: z.number().optional(),
    }),
  ),
  gates: z.array(
    Figure.extend({
      name: z.string(),
      stage: z.number(),
      verdict: z.string(),
      message: z.string(),
      by: z.string().nullable(),
      why: z.string().nullable(),
      ms: z.number(),
    }),
  ),
  commands: z.array(
    z.looseObject({ verb: z.string(), by: z.string(), at: z.string(), why: z.string().nullable() }),
  ),
  revisions: z.looseObject({ from: z.string().nullable(), to: z.string() }),
  plan: z.string(),
});
export type ReceiptSpec = z.infer<typeof ReceiptSpec>;
export const Receipt = kindSchema(
  'Receipt',
  ReceiptSpec,
  z.looseObject({ conditions: z.array(Condition).optional() }),
);
export type Receipt = z.output<typeof Receipt>;
