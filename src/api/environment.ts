import * as z from 'zod';
import { Duration } from './duration.ts';
import { Condition, kindSchema, Name } from './meta.ts';

const status = z.looseObject({
  observedGeneration: z.number().int().optional(),
  conditions: z.array(Condition).optional(),
});

export const ClusterSpec = z.strictObject({
  driver: z.enum(['local', 'kubernetes']),
  /** Instances that fit at once, both versions counted; absent: no limit that Slipway knows. */
  capacity: z.strictObject({ instances: z.number().int().min(1) }).optional(),
});
export const Cluster = kindSchema(
  'Cluster',
  ClusterSpec,
  status.extend({
    agent: z.looseObject({ version: z.string(), lastSeen: z.string(), connected: z.boolean() }).optional(),
  }),
);
export type Cluster = z.output<typeof Cluster>;

export const EnvironmentSpec = z.strictObject({
  clusters: z.array(Name).min(1).default(['local']),
  targetNamespace: Name.optional(),
  parameters: z.record(z.string(), z.unknown()).default({}),
  /** The largest number of instances of one application at one time, both versions counted. */
  maxInstances: z.number().int().min(1).optional(),
  /** Its owner's alone: stands here and never in the application's own file. */
  protection: z
    .strictObject({
      approval: z
        .strictObject({ by: z.string().default('releaser'), expires: Duration.default('24h') })
        .optional(),
    })
    .prefault({}),
});
export type EnvironmentSpec = z.output<typeof EnvironmentSpec>;
export const Environment = kindSchema('Environment', EnvironmentSpec, status);
export type Environment = z.output<typeof Environment>;

export const TemplateSpec = z.strictObject({
  /** Named parameters with a type, a default (absent: required) and words. */
  parameters: z
    .record(
      Name,
      z.strictObject({
        type: z.enum(['string', 'number', 'boolean']),
        default: z.union([z.string(), z.number(), z.boolean()]).optional(),
        description: z.string().optional(),
      }),
    )
    .default({}),
  /** An Application's `workloads`, in which `${name}` stands for a parameter. */
  workloads: z.record(Name, z.record(z.string(), z.unknown())),
});
export type TemplateSpec = z.output<typeof TemplateSpec>;
export const Template = kindSchema('Template', TemplateSpec, status);
export type Template = z.output<typeof Template>;

/** Values are encrypted at rest and never read back over the API. */
export const SecretSpec = z.strictObject({
  /** Write-only: name → value. The API answers names and digests alone. */
  data: z.record(z.string().min(1), z.string()).optional(),
});
export const Secret = kindSchema(
  'Secret',
  SecretSpec,
  z.looseObject({ keys: z.record(z.string(), z.string()).optional() }),
);
export type Secret = z.output<typeof Secret>;

export const ArtifactSpec = z.strictObject({
  digest: z.string(),
  /** Bytes of the packed archive. */
  size: z.number().int().min(0),
  mediaType: z.string().default('application/vnd.slipway.archive.v1.tar+gzip'),
  source: z.string().optional(),
});
export const Artifact = kindSchema('Artifact', ArtifactSpec, z.looseObject({}));
export type Artifact = z.output<typeof Artifact>;
