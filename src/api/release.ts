import * as z from 'zod';
import { RouteSpec } from './application.ts';
import { Gate } from './gate.ts';
import { Condition, kindSchema, Name } from './meta.ts';
import { Plan, Stage } from './plan.ts';
import { ReleasePolicy, Strategy } from './strategy.ts';

export const ReleasePhase = z.enum([
  'Pending',
  'Progressing',
  'Paused',
  'Verifying',
  'Succeeded',
  'Aborting',
  'Aborted',
  'RollingBack',
  'RolledBack',
  'Failed',
  'Superseded',
]);
export type ReleasePhase = z.infer<typeof ReleasePhase>;

/** What a release waits for, who can unblock it and when it expires (INV-28; `slipway why`). */
export const Waiting = z.looseObject({
  for: z.enum([
    'start',
    'instances',
    'traffic',
    'drain',
    'gate',
    'approval',
    'promotion',
    'soak',
    'agent',
    'queue',
    'person',
    'nothing',
  ]),
  message: z.string(),
  /** People, or 'nobody' where it ends by itself. */
  who: z.string(),
  commands: z.array(z.string()),
  since: z.string(),
  expiresAt: z.string().nullable(),
  onExpiry: z.string().nullable(),
});
export type Waiting = z.infer<typeof Waiting>;

/**
 * Requests as the data plane counted them, cumulative since the release began. Failed is what got no whole answer
 * of the application; its own answers with 5xx are whole answers, and counted apart. Absent: not measured.
 */
export const TrafficTotals = z.looseObject({
  requests: z.number().int(),
  failed: z.number().int(),
  failures: z.record(z.string(), z.number().int()),
  answered5xx: z.number().int().optional(),
  byVersion: z.record(
    z.string(),
    z.looseObject({
      requests: z.number().int(),
      failed: z.number().int(),
      answered5xx: z.number().int().optional(),
      /** By cause. */
      failures: z.record(z.string(), z.number().int()).optional(),
      /** Of those, by cause, what its instances brought about while nobody had told them to end. */
      byItself: z.record(z.string(), z.number().int()).optional(),
    }),
  ),
});

export type TrafficTotals = z.infer<typeof TrafficTotals>;

const StageDrain = z.looseObject({
  ms: z.number(),
  requests: z.number().int(),
  streams: z.number().int(),
  cut: z.number().int(),
  /** Instances that ignored SIGTERM for their whole grace; absent where none did. */
  killed: z.number().int().optional(),
});
export type StageDrain = z.infer<typeof StageDrain>;

export const StageStatus = z.looseObject({
  number: z.number().int(),
  title: z.string(),
  state: z.enum(['pending', 'gatesBefore', 'running', 'gatesAfter', 'waiting', 'done', 'failed', 'skipped']),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  execution: z.string().nullable(),
  message: z.string().nullable(),
  flip: z.looseObject({ at: z.string(), flipMs: z.number(), proof: z.string() }).nullable(),
  drain: StageDrain.nullable(),
  /**
   * What orders of this stage had done that failed and were retried: the next one goes on behind it. Absent where
   * none was.
   */
  earlier: z
    .looseObject({
      /** Instructions that are done, by cluster. */
      done: z.record(z.string(), z.array(z.string())),
      /** What the entry of a cluster had counted when traffic first moved there; clusters without a flip are missing. */
      counted: z.record(z.string(), TrafficTotals),
      drain: StageDrain.nullable(),
    })
    .optional(),
});
export type StageStatus = z.infer<typeof StageStatus>;

export const ReleaseSpec = z.looseObject({
  application: Name,
  environment: Name,
  /** Revisions by name; `from` is null for a first release. */
  from: z.string().nullable(),
  to: z.string(),
  reason: z.enum(['release', 'rollback', 'retry']),
  strategy: Strategy,
  plan: Plan,
  policy: ReleasePolicy,
  gates: z.array(Gate),
  routes: z.array(RouteSpec),
  /** Routes that stood before it: the way back restores them. Absent in what older programs made. */
  routesFrom: z.array(RouteSpec).optional(),
  clusters: z.array(Name),
  /** Wanted instances by workload at the start. */
  replicas: z.record(Name, z.number().int()),
  /** Workloads as the planner saw them: the way back is computed from the same. */
  workloads: z.array(
    z.looseObject({
      name: Name,
      type: z.enum(['service', 'worker', 'migration']),
      routed: z.boolean(),
      wasRouted: z.boolean(),
      replicas: z.number().int(),
      replicasFrom: z.number().int(),
      surge: z.number().int(),
      unavailable: z.number().int(),
      inFrom: z.boolean(),
      inTo: z.boolean(),
    }),
  ),
  /** The destination was warm when the release began; turning back leaves it so. */
  toWasWarm: z.boolean(),
  /** Digest of routes and replicas that stand when it succeeds. */
  inPlace: z.string(),
  /** Content digests of both revisions (INV-26). */
  digests: z.looseObject({ from: z.string().nullable(), to: z.string() }),
  requestedBy: z.string(),
  why: z.string().nullable(),
  slipwayVersion: z.string(),
});
export type ReleaseSpec = z.infer<typeof ReleaseSpec>;

export const ReleaseStatus = z.looseObject({
  observedGeneration: z.number().int().optional(),
  phase: ReleasePhase,
  /** `back` runs `backStages` instead of the plan's. */
  direction: z.enum(['forward', 'back']),
  backStages: z.array(Stage),
  /** Index into the stages of the direction. */
  stage: z.number().int(),
  step: z.enum(['gatesBefore', 'instructions', 'gatesAfter', 'advance', 'ended']),
  stages: z.array(StageStatus),
  epoch: z.number().int(),
  sequence: z.number().int(),
  execution: z.string().nullable(),
  /** GateRuns of the step under way, by gate name. */
  gateRuns: z.record(z.string(), z.string()),
  /** What people (or the clock, for a soak) decided, by GateRun name; durable before the GateRun says so. */
  verdicts: z.record(
    z.string(),
    z.looseObject({ verdict: z.string(), by: z.string(), why: z.string().nullable(), at: z.string() }),
  ),
  flipped: z.boolean(),
  /** Its first flip is done: from here on what fails otherwise than by the old version itself is its doing. */
  moved: z.boolean().optional(),
  /** Since when the step under way runs. */
  stepSince: z.string(),
  /** Why it turned back. */
  turn: z
    .looseObject({
      cause: z.enum(['abort', 'rollback', 'failure', 'superseded']),
      by: z.string(),
      at: z.string(),
      why: z.string().nullable(),
      /** It asked for what serves already, and never began. */
      alreadyLive: z.boolean().optional(),
    })
    .nullable(),
  /** A person asked for a pause; it begins at the next boundary. */
  pauseRequested: z.looseObject({ by: z.string() }).nullable(),
  /** A person passed the pause at the end of the stage under way. */
  promoted: z.boolean(),
  /** `promote --full`: pauses of the strategy are passed. */
  full: z.boolean(),
  /** Failed requests, other than the new version's, before traffic began to move: not the release's doing. */
  untouchedFailures: z.number().int(),
  /** The same by cause. */
  untouchedCauses: z.record(z.string(), z.number().int()).optional(),
  /** A failed request was seen and the policy said to go on or a person did. */
  failedRequestsAccepted: z.number().int(),
  waiting: Waiting,
  pause: z
    .looseObject({ reason: z.string(), since: z.string(), by: z.string(), expiresAt: z.string() })
    .nullable(),
  /** Progress deadline's clock: ms of progress time used, and since when it runs (null while paused). */
  progress: z.looseObject({ usedMs: z.number(), runningSince: z.string().nullable() }),
  failure: z
    .looseObject({
      reason: z.string(),
      message: z.string(),
      affects: z.string(),
      /** What whoever saw it says about mending it. */
      advice: z.string().optional(),
      /** What can be done in the state that the release is in. */
      next: z.string(),
    })
    .nullable(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  traffic: TrafficTotals.nullable(),
  commands: z.array(
    z.looseObject({
      uid: z.string(),
      verb: z.string(),
      by: z.string(),
      at: z.string(),
      why: z.string().nullable(),
      outcome: z.string(),
    }),
  ),
  /** The latest decision and digests of its input and result (INV-17). */
  decision: z.looseObject({ at: z.string(), input: z.string(), summary: z.string() }).nullable(),
  receipt: z.string().nullable(),
  conditions: z.array(Condition),
});
export type ReleaseStatus = z.infer<typeof ReleaseStatus>;
export const Release = kindSchema('Release', ReleaseSpec, ReleaseStatus);
export type Release = z.output<typeof Release>;

export const VERBS = [
  'promote',
  'pause',
  'resume',
  'approve',
  'reject',
  'abort',
  'rollback',
  'retry',
  'skip',
  'release',
  'scale',
  'restart',
] as const;
export const Verb = z.enum(VERBS);
export type Verb = z.infer<typeof Verb>;

export const CommandSpec = z.looseObject({
  verb: Verb,
  /** `Release/shop-local-r2` or `Application/shop`. */
  target: z.looseObject({ kind: z.enum(['Release', 'Application']), name: z.string() }),
  environment: Name.optional(),
  /** The server sets it from the token; what a caller writes is ignored. */
  by: z.string(),
  /** Roles of `by` when it was given, from the token as well: an approval may ask for one. */
  roles: z.array(z.string()).optional(),
  at: z.string(),
  why: z.string().nullable(),
  parameters: z.record(z.string(), z.unknown()),
});
export type CommandSpec = z.infer<typeof CommandSpec>;
export const Command = kindSchema(
  'Command',
  CommandSpec,
  z.looseObject({
    state: z.enum(['pending', 'done', 'refused']),
    message: z.string(),
    result: z.record(z.string(), z.unknown()).optional(),
  }),
);
export type Command = z.output<typeof Command>;
