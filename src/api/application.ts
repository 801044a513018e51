import * as z from 'zod';
import { atMost } from './at-most.ts';
import { Gate } from './gate.ts';
import { Condition, kindSchema, Name } from './meta.ts';
import { ReleasePolicy, Strategy } from './strategy.ts';
import { Workload } from './workload.ts';

const Host = z
  .string()
  .regex(
    /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'a host name in lower case',
  )
  .max(253);

export const RouteSpec = z.strictObject({
  /** Absent: every host. */
  host: Host.optional(),
  path: z.string().startsWith('/').default('/'),
  /** Workload that answers; may be left out where there is one service. */
  workload: Name.optional(),
  /** Keeps a client on its version by this cookie while that version has weight. */
  sticky: z.strictObject({ cookie: z.string().regex(/^[A-Za-z0-9_-]+$/) }).optional(),
  /** Rules that pick a version: `version` is `new` or `old` during a release, or a revision such as `r2`. */
  rules: z
    .array(
      z.strictObject({
        header: z.strictObject({ name: z.string().regex(/^[A-Za-z0-9-]+$/), value: z.string() }).optional(),
        cookie: z.strictObject({ name: z.string().regex(/^[A-Za-z0-9_-]+$/), value: z.string() }).optional(),
        path: z.string().startsWith('/').optional(),
        version: z.string().regex(/^(new|old|r\d+)$/),
      }),
    )
    .default([]),
  timeouts: z
    .strictObject({
      connectMs: z.number().int().min(1).max(60_000).default(1_000),
      responseHeadMs: z.number().int().min(0).max(3_600_000).default(60_000),
      idleMs: z.number().int().min(0).max(86_400_000).default(0),
    })
    .prefault({}),
});
export type RouteSpec = z.output<typeof RouteSpec>;

/** Whose token changed the spec last. The server sets it, so that a release by itself names a person too. */
export const CHANGED_BY_ANNOTATION = 'slipway.dev/changed-by';

/** What an environment may override; merged into the workload(s), strategy and gates. */
export const EnvironmentOverride = z.strictObject({
  /** The application is not in this environment: what runs there is drained and ends, and nothing is released. */
  absent: z.literal(true).optional(),
  workload: z.record(z.string(), z.unknown()).optional(),
  workloads: z.record(Name, z.record(z.string(), z.unknown())).optional(),
  strategy: Strategy.optional(),
  gates: z.array(Gate).optional(),
  routes: z.array(RouteSpec).optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
});

export const ApplicationSpec = z.strictObject({
  /** One workload, named as the application; or several by name; or a template with parameters. */
  workload: Workload.optional(),
  workloads: atMost(z.record(Name, Workload), 50, 'workloads').optional(),
  template: z.strictObject({ name: Name }).optional(),
  parameters: z.record(z.string(), z.unknown()).default({}),
  routes: z.array(RouteSpec).max(100).default([]),
  strategy: Strategy.prefault({ scaled: {} }),
  gates: z.array(Gate).max(50).default([]),
  policy: ReleasePolicy.prefault({}),
  /** Whether a change that makes a Revision also starts a Release. */
  release: z.enum(['auto', 'manual']).default('auto'),
  environments: atMost(z.record(Name, EnvironmentOverride), 100, 'environments').default({}),
});
export type ApplicationSpec = z.output<typeof ApplicationSpec>;
/** As people write it: defaults not filled in. */
export type ApplicationSpecInput = z.input<typeof ApplicationSpec>;

/** Where a verb goes that names no environment, and a file that knows none. */
export const DEFAULT_ENVIRONMENT = 'local';

/** Type of the condition that says whether what was applied serves in this environment. */
export const readyType = (environment: string): string =>
  environment === DEFAULT_ENVIRONMENT ? 'Ready' : `${environment}/Ready`;

export const ApplicationStatus = z.looseObject({
  observedGeneration: z.number().int().optional(),
  conditions: z.array(Condition).optional(),
});

export const Application = kindSchema('Application', ApplicationSpec, ApplicationStatus);
export type Application = z.output<typeof Application>;
