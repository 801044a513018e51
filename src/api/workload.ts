import * as z from 'zod';
import { Duration } from './duration.ts';
import { exactlyOne } from './exactly-one.ts';
import { Digest, Name } from './meta.ts';

/** Environment variable name (POSIX). */
const VariableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'letters, digits and "_", not starting with a digit');

export const HttpProbe = z.strictObject({
  path: z.string().startsWith('/'),
  /** Status codes that count as ready. */
  expectStatus: z.array(z.number().int().min(100).max(599)).min(1).default([200]),
});

/** Selected by key (`http`, `tcp` or `command`): exactly one. */
export const Readiness = exactlyOne(
  z.strictObject({
    http: HttpProbe.optional(),
    tcp: z.strictObject({}).optional(),
    command: z.array(z.string().min(1)).min(1).optional(),
    interval: Duration.default('100ms'),
    timeout: Duration.default('1s'),
    /** Failures in a row before a ready instance counts as not ready. */
    failureThreshold: z.number().int().min(1).max(100).default(3),
    /** From spawn to first ready; later is a failed start. */
    startTimeout: Duration.default('60s'),
  }),
  ['http', 'tcp', 'command'],
  'exactly one of http, tcp or command',
);
export type Readiness = z.output<typeof Readiness>;

export const Drain = z.strictObject({
  /** Request cap: ordinary requests inside an instance get this long. */
  timeout: Duration.default('30s'),
  /** Stream cap: WebSockets and open-ended streams get this long after SIGTERM. */
  streamTimeout: Duration.default('30s'),
  /** From SIGTERM to SIGKILL, at the least as long as streamTimeout asks. */
  grace: Duration.default('30s'),
});
export type Drain = z.output<typeof Drain>;

export const Variable = z.union([
  z.string(),
  z.number().transform(String),
  z.boolean().transform(String),
  z.strictObject({ secret: Name, key: z.string().min(1) }),
]);

export const Workload = z.strictObject({
  /** A directory or archive (CLI only, uploaded before the API sees it) or `name@sha256:…`. */
  artifact: z.string().min(1).optional(),
  image: z.string().min(1).optional(),
  command: z.array(z.string()).min(1),
  workingDirectory: z.string().optional(),
  /** Environment variable that tells the application its port; absent for workers. */
  port: z
    .strictObject(
      { env: VariableName.default('PORT') },
      // People write a number here, as other tools take it; Slipway chooses the ports itself.
      '{ env: PORT }: the application listens on the port that the variable PORT names',
    )
    .optional(),
  env: z.record(VariableName, Variable).default({}),
  replicas: z.number().int().min(0).max(1_000).default(1),
  readiness: Readiness.optional(),
  drain: Drain.prefault({}),
  /** `service` takes traffic and needs a port; `worker` does not; `migration` runs once before stage 1. */
  type: z.enum(['service', 'worker', 'migration']).default('service'),
  maxSurge: z.union([z.number().int().min(0), z.string().regex(/^\d{1,3}%$/)]).default('100%'),
  maxUnavailable: z.union([z.number().int().min(0), z.string().regex(/^\d{1,3}%$/)]).default(0),
});
export type Workload = z.output<typeof Workload>;

/** What a Revision pins: the workload after overrides, its artifact by digest. Replicas are not part of it. */
export const PinnedWorkload = z.looseObject({
  name: Name,
  type: z.enum(['service', 'worker', 'migration']),
  artifact: Digest.optional(),
  image: z.string().optional(),
  command: z.array(z.string()).min(1),
  workingDirectory: z.string().optional(),
  port: z.looseObject({ env: z.string() }).optional(),
  env: z.record(
    z.string(),
    z.union([z.string(), z.looseObject({ secret: z.string(), key: z.string(), version: z.string() })]),
  ),
  readiness: z.looseObject({}).and(z.custom<Readiness>()).optional(),
  drain: z.custom<Drain>(),
});
export type PinnedWorkload = z.infer<typeof PinnedWorkload>;
