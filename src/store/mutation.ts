import { isDeepStrictEqual } from 'node:util';
import type { ApiObject, Stored, StoredMeta } from '../api/meta.ts';
import { type Result, SlipwayError } from '../lib/errors.ts';
import type { ObjectKey } from './store.ts';

/** etcd's default limit of a request: what the Kubernetes adapter could not keep, no adapter takes. */
export const MAX_OBJECT_BYTES = 1_572_864;

/** One wanted write. Objects are JSON text, taken when the caller asked: what it changes later does not count. */
export type Mutation =
  | { readonly type: 'create'; readonly key: ObjectKey; readonly text: string }
  | { readonly type: 'update'; readonly key: ObjectKey; readonly text: string; readonly status: boolean }
  | { readonly type: 'updateStatus'; readonly key: ObjectKey; readonly text: string }
  | {
      readonly type: 'delete';
      readonly key: ObjectKey;
      readonly precondition: { readonly resourceVersion?: string; readonly uid?: string };
    };

/** What the write comes to: `change` is absent where nothing would differ, and then nothing is written. */
export interface Outcome {
  readonly change?: { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Stored };
  readonly answer: Stored | undefined;
}

/** What the store supplies: the version that the write would get, the time, and a new uid. */
export interface MutationContext {
  readonly version: number;
  readonly now: string;
  readonly uid: () => string;
}

/** Metadata that the store alone sets. */
const SERVER_SET = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
]);

/**
 * Decides one write against the object as it stands. Pure: adapters read `current`, call this, and save
 * `change`. Every rule of the Store port that is not about durability or order stands here once.
 */
export function mutate(
  current: Stored | undefined,
  mutation: Mutation,
  context: MutationContext,
): Result<Outcome, SlipwayError> {
  switch (mutation.type) {
    case 'create':
      return create(current, mutation, context);
    case 'update':
    case 'updateStatus':
      return change(current, mutation, context);
    case 'delete':
      return remove(current, mutation, context);
  }
}

/** The key of an object; an `invalid` error where kind or name is missing. */
export function keyOf(object: ApiObject): ObjectKey {
  const { kind, metadata } = object;
  if (typeof kind !== 'string' || kind === '' || typeof metadata?.name !== 'string' || metadata.name === '') {
    throw new SlipwayError('invalid', 'an object needs a kind and a metadata.name');
  }
  return { kind, namespace: metadata.namespace, name: metadata.name };
}

/** Words for a key: `Release default/shop-local-r2`. */
export const describeKey = (key: ObjectKey): string =>
  `${key.kind} ${key.namespace === undefined ? '' : `${key.namespace}/`}${key.name}`;

/** JSON text of an object, refused where JSON cannot say it or the store cannot hold it. */
export function serialise(object: ApiObject): string {
  let text: string;
  try {
    text = JSON.stringify(object);
  } catch (cause) {
    throw new SlipwayError('invalid', `${describeKey(keyOf(object))} cannot be written as JSON`, { cause });
  }
  // A quick look first: a character is at most 3 bytes of UTF-8.
  if (text.length * 3 > MAX_OBJECT_BYTES && Buffer.byteLength(text) > MAX_OBJECT_BYTES) {
    throw new SlipwayError(
      'tooLarge',
      `${describeKey(keyOf(object))} is ${Buffer.byteLength(text)} bytes; at most ${MAX_OBJECT_BYTES} are kept`,
    );
  }
  return text;
}

function create(
  current: Stored | undefined,
  mutation: Mutation & { type: 'create' },
  context: MutationContext,
): Result<Outcome, SlipwayError> {
  if (current !== undefined) {
    const going = current.metadata.deletionTimestamp === undefined ? '' : ' and is being deleted';
    return refuse('alreadyExists', `${describeKey(mutation.key)} exists already${going}`);
  }
  const object = JSON.parse(mutation.text) as ApiObject;
  const rest = Object.fromEntries(Object.entries(object.metadata).filter(([name]) => !SERVER_SET.has(name)));
  const metadata: StoredMeta = {
    ...(rest as { name: string }),
    uid: context.uid(),
    resourceVersion: String(context.version),
    generation: 1,
    creationTimestamp: context.now,
  };
  const stored: Stored = { ...object, metadata };
  return { ok: true, value: { change: { type: 'ADDED', object: stored }, answer: stored } };
}

function change(
  current: Stored | undefined,
  mutation: Mutation & { type: 'update' | 'updateStatus' },
  context: MutationContext,
): Result<Outcome, SlipwayError> {
  if (current === undefined) return refuse('notFound', `${describeKey(mutation.key)} does not exist`);
  const wanted = JSON.parse(mutation.text) as Stored;
  const stale = differs(current, wanted.metadata, mutation.key);
  if (stale !== undefined) return { ok: false, error: stale };

  const next = mutation.type === 'update' ? replaced(current, wanted, mutation.status) : { ...current };
  if (mutation.type === 'updateStatus' || mutation.status) {
    if (wanted.status === undefined) delete (next as { status?: unknown }).status;
    else (next as { status?: unknown }).status = wanted.status;
  }
  const finalizers = next.metadata.finalizers ?? [];
  if (current.metadata.deletionTimestamp !== undefined) {
    const known = new Set(current.metadata.finalizers);
    const added = finalizers.filter((f) => !known.has(f));
    if (added.length > 0) {
      return refuse('invalid', `${describeKey(mutation.key)} is being deleted: no finalizer can be added`);
    }
    if (finalizers.length === 0) return gone(next, context);
  }
  if (isDeepStrictEqual(next, current)) return { ok: true, value: { answer: current } };
  const generation = current.metadata.generation + (isDeepStrictEqual(next.spec, current.spec) ? 0 : 1);
  const object: Stored = {
    ...next,
    metadata: { ...next.metadata, generation, resourceVersion: String(context.version) },
  };
  return { ok: true, value: { change: { type: 'MODIFIED', object }, answer: object } };
}

function remove(
  current: Stored | undefined,
  mutation: Mutation & { type: 'delete' },
  context: MutationContext,
): Result<Outcome, SlipwayError> {
  if (current === undefined) return { ok: true, value: { answer: undefined } };
  const stale = differs(current, mutation.precondition, mutation.key);
  if (stale !== undefined) return { ok: false, error: stale };
  if ((current.metadata.finalizers ?? []).length === 0) return gone(current, context);
  if (current.metadata.deletionTimestamp !== undefined) return { ok: true, value: { answer: current } };
  const object: Stored = {
    ...current,
    metadata: {
      ...current.metadata,
      deletionTimestamp: context.now,
      generation: current.metadata.generation + 1,
      resourceVersion: String(context.version),
    },
  };
  return { ok: true, value: { change: { type: 'MODIFIED', object }, answer: object } };
}

/** The wanted object under the identity that the server set; status is the current one unless asked for. */
function replaced(current: Stored, wanted: Stored, status: boolean): Stored {
  const { deletionTimestamp: _ignored, ...metadata } = wanted.metadata;
  const kept = current.metadata.deletionTimestamp;
  const next: Stored = {
    ...wanted,
    metadata: {
      ...metadata,
      uid: current.metadata.uid,
      creationTimestamp: current.metadata.creationTimestamp,
      generation: current.metadata.generation,
      resourceVersion: current.metadata.resourceVersion,
      ...(kept === undefined ? {} : { deletionTimestamp: kept }),
    },
  };
  if (!status) {
    if (current.status === undefined) delete (next as { status?: unknown }).status;
    else (next as { status?: unknown }).status = current.status;
  }
  return next;
}

function gone(last: Stored, context: MutationContext): Result<Outcome, SlipwayError> {
  const object: Stored = {
    ...last,
    metadata: { ...last.metadata, resourceVersion: String(context.version) },
  };
  return { ok: true, value: { change: { type: 'DELETED', object }, answer: object } };
}

/** The conflict, if the caller speaks of another object or of an older state of it. */
function differs(
  current: Stored,
  expected: { readonly resourceVersion?: string; readonly uid?: string },
  key: ObjectKey,
): SlipwayError | undefined {
  const next = 'read it again and repeat the change';
  if (expected.uid !== undefined && expected.uid !== current.metadata.uid) {
    return new SlipwayError(
      'conflict',
      `${describeKey(key)} is another object of that name now (uid ${current.metadata.uid}, expected ${expected.uid})`,
      { next },
    );
  }
  if (
    expected.resourceVersion !== undefined &&
    expected.resourceVersion !== current.metadata.resourceVersion
  ) {
    return new SlipwayError(
      'conflict',
      `${describeKey(key)} was changed meanwhile (it is at version ${current.metadata.resourceVersion}, the change was made against ${expected.resourceVersion})`,
      { next },
    );
  }
  return undefined;
}

const refuse = (
  code: 'alreadyExists' | 'notFound' | 'invalid',
  message: string,
): Result<never, SlipwayError> => ({
  ok: false,
  error: new SlipwayError(code, message),
});
