import * as z from 'zod';

/** Group and version of every kind here. */
export const API_GROUP = 'slipway.dev';
export const API_VERSION = 'slipway.dev/v1alpha1';

/** RFC 1123 label, at most 63: what a name may be, since it becomes part of labels and host names. */
export const Name = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'lower-case letters, digits and "-", starting and ending with a letter or digit',
  )
  .max(63);
/** RFC 1123 subdomain: object names that join several parts, such as `shop-production-r8-2`. */
export const ObjectName = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    'lower-case letters, digits, "-" and ".", starting and ending with a letter or digit',
  )
  .max(253);

/** RFC 3339 instant with milliseconds, UTC: `2026-11-20T14:02:11.123Z`. */
export const Instant = z.iso.datetime({ precision: 3 });
/** `sha256:` and 64 hex digits. */
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 hex digits');

export const OwnerReference = z.looseObject({ kind: z.string(), name: z.string(), uid: z.string() });

/** Kubernetes' ObjectMeta, the fields that are used. Unknown ones are kept. */
export const ObjectMeta = z.looseObject({
  name: ObjectName,
  namespace: Name.optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().int().optional(),
  creationTimestamp: Instant.optional(),
  deletionTimestamp: Instant.optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
  ownerReferences: z.array(OwnerReference).optional(),
});
export type ObjectMeta = z.infer<typeof ObjectMeta>;

/** Kubernetes' Condition. `reason` is CamelCase for programs, `message` a sentence for people. */
export const Condition = z.looseObject({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: Instant,
  observedGeneration: z.number().int().optional(),
});
export type Condition = z.infer<typeof Condition>;

/** An object as the store and the API know it before its kind is looked at. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** Metadata of an object that the store has given back: the server-set fields are there. */
export type StoredMeta = ObjectMeta & {
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  generation: number;
};
export type Stored<T extends ApiObject = ApiObject> = Omit<T, 'metadata'> & { readonly metadata: StoredMeta };

/** Builds the schema of one kind from its spec and status. Strict: people write these. */
export function kindSchema<K extends string, S extends z.ZodType, T extends z.ZodType>(
  kind: K,
  spec: S,
  status: T,
) {
  return z.strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(kind),
    metadata: ObjectMeta,
    spec,
    status: status.optional(),
  });
}
