import * as z from 'zod';
import type { KindDefinition } from '../api/kinds.ts';
import { API_VERSION, type ApiObject, Name, type ObjectMeta, ObjectName, type Stored } from '../api/meta.ts';
import { type ErrorDetail, SlipwayError } from '../lib/errors.ts';
import { isObject, type JsonObject } from '../lib/merge-patch.ts';
import { findProblems } from '../lib/validation.ts';

/**
 * What a caller wrote, made into an object that may be stored: the fields that the server sets are taken
 * away, the address of the URL is put in, and anything that contradicts it is refused.
 */
export interface Address {
  readonly namespace: string | undefined;
  /** Undefined on create: the body says it. */
  readonly name: string | undefined;
}

/** Set by the server; accepted in what is written (people send back what they got) and not looked at. */
const SERVER_SET = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'managedFields',
  'selfLink',
];
const WRITTEN = ['name', 'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences'];
/** Finalizers of our own are the manager's: a person who applies an old file must not skip the draining. */
const OWN_FINALIZER = 'slipway.dev/';

export function writtenObject(kind: KindDefinition, body: unknown, address: Address): ApiObject {
  if (!isObject(body))
    throw new SlipwayError('badRequest', `the body must be one ${kind.kind} as a JSON object`);
  const { status: _status, ...rest } = body;
  const metadata = isObject(rest.metadata) ? rest.metadata : {};
  const mismatch = (field: string, found: unknown, wanted: string) =>
    new SlipwayError(
      'badRequest',
      `${field} is ${JSON.stringify(found)} in the body and ${JSON.stringify(wanted)} in the address`,
      {
        details: [{ path: field, message: `allowed here: ${wanted}` }],
      },
    );
  if (rest.kind !== undefined && rest.kind !== kind.kind) throw mismatch('kind', rest.kind, kind.kind);
  if (address.name !== undefined && metadata.name !== undefined && metadata.name !== address.name) {
    throw mismatch('metadata.name', metadata.name, address.name);
  }
  if (metadata.namespace !== undefined && metadata.namespace !== address.namespace) {
    throw mismatch('metadata.namespace', metadata.namespace, address.namespace ?? 'none');
  }
  return {
    apiVersion: API_VERSION,
    kind: kind.kind,
    ...rest,
    metadata: {
      ...without(metadata, SERVER_SET),
      ...(address.name === undefined ? {} : { name: address.name }),
      ...(address.namespace === undefined ? {} : { namespace: address.namespace }),
    } as ObjectMeta,
  };
}

/** Everything that is wrong with it, by the kind's schema and by the rules for metadata. */
export function problemsOf(
  kind: KindDefinition,
  object: ApiObject,
  options: { quote: boolean },
): ErrorDetail[] {
  return [...findProblems(kind.schema, object, options), ...metadataProblems(object.metadata)];
}

function metadataProblems(metadata: ObjectMeta): ErrorDetail[] {
  const problems: ErrorDetail[] = Object.keys(metadata)
    .filter((field) => !WRITTEN.includes(field))
    .map((field) => ({
      path: `metadata.${field}`,
      message: `there is no such field; allowed here: ${WRITTEN.join(', ')}`,
    }));
  if (!isObject(metadata.labels)) return problems;
  for (const [name, value] of Object.entries(metadata.labels)) {
    const path = `metadata.labels[${JSON.stringify(name)}]`;
    if (!LABEL_NAME.test(name))
      problems.push({ path, message: 'a label is named like team or example.org/team' });
    if (typeof value === 'string' && !LABEL_VALUE.test(value)) {
      problems.push({ path, message: 'allowed: at most 63 letters, digits, "-", "_" and "."' });
    }
  }
  return problems;
}

const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;

/** The object to save over `stored`: what was written, under the identity and the finalizers that stay. */
export function over(stored: Stored, written: ApiObject, resourceVersion: string): Stored {
  const theirs = (written.metadata.finalizers ?? []).filter((name) => !name.startsWith(OWN_FINALIZER));
  const ours = (stored.metadata.finalizers ?? []).filter((name) => name.startsWith(OWN_FINALIZER));
  const finalizers = [...ours, ...theirs];
  return {
    ...written,
    metadata: {
      ...written.metadata,
      ...(finalizers.length === 0 ? { finalizers: undefined } : { finalizers }),
      uid: stored.metadata.uid,
      creationTimestamp: stored.metadata.creationTimestamp,
      generation: stored.metadata.generation,
      resourceVersion,
    },
  } as Stored;
}

/** Refuses addresses that no object can have, so that they never reach the store. */
export function checkAddress(namespace: string | undefined, name: string | undefined): void {
  if (namespace !== undefined && !Name.safeParse(namespace).success) {
    throw new SlipwayError(
      'badRequest',
      'the namespace of the address is no name: lower-case letters, digits and "-"',
    );
  }
  if (name !== undefined && !ObjectName.safeParse(name).success) {
    throw new SlipwayError(
      'badRequest',
      'the name of the address is none: lower-case letters, digits, "-" and "."',
    );
  }
}

/** `metadata.resourceVersion` and `uid` of a body: what the caller believes to change. */
export function preconditions(body: unknown): { resourceVersion?: string; uid?: string } {
  const { metadata } = isObject(body) ? body : {};
  const parsed = Preconditions.safeParse(isObject(metadata) ? metadata : {});
  if (!parsed.success)
    throw new SlipwayError('badRequest', 'metadata.resourceVersion and metadata.uid are texts');
  const { resourceVersion, uid } = parsed.data;
  return { ...(resourceVersion ? { resourceVersion } : {}), ...(uid ? { uid } : {}) };
}
const Preconditions = z.object({ resourceVersion: z.string().nullish(), uid: z.string().nullish() });

const without = (object: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
