import { isDeepStrictEqual } from 'node:util';
import type { StoredMeta } from '../api/meta.ts';
import { type Result, SlipwayError } from '../lib/errors.ts';
import { type Document, describeKey, type GivenDocument, sameJson } from './document.ts';
import type { ObjectKey } from './store.ts';

/** One wanted write. */
export type Mutation =
  | { readonly type: 'create' | 'updateStatus'; readonly key: ObjectKey; readonly document: GivenDocument }
  | {
      readonly type: 'update';
      readonly key: ObjectKey;
      readonly document: GivenDocument;
      /** Whether status is replaced too. */
      readonly status: boolean;
    }
  | {
      readonly type: 'delete';
      readonly key: ObjectKey;
      readonly precondition: { readonly resourceVersion?: string; readonly uid?: string };
    };

/** What the write comes to: `change` is absent where nothing would differ, and then nothing is written. */
export interface Outcome {
  readonly change?: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The object after the write (its last state where it goes); undefined where there was none. */
  readonly document: Document | undefined;
}

/** What the store supplies: the version that the write would get, the time, and a new uid. */
export interface MutationContext {
  readonly version: number;
  readonly now: string;
  readonly uid: () => string;
}

/**
 * Decides one write against the object as it stands. Pure: adapters read `current`, call this, and save the
 * change. Every rule of the Store port that is not about durability or order stands here once.
 */
export function mutate(
  current: Document | undefined,
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

function create(
  current: Document | undefined,
  { key, document }: Extract<Mutation, { document: GivenDocument }>,
  context: MutationContext,
): Result<Outcome, SlipwayError> {
  if (current !== undefined) {
    const going = current.rest.metadata.deletionTimestamp === undefined ? '' : ' and is being deleted';
    return refuse('alreadyExists', `${describeKey(key)} exists already${going}`);
  }
  const { deletionTimestamp: _forged, ...given } = document.rest.metadata;
  const metadata: StoredMeta = {
    ...given,
    uid: context.uid(),
    resourceVersion: String(context.version),
    generation: 1,
    creationTimestamp: context.now,
  };
  const made = { ...document, rest: { ...document.rest, metadata } };
  return { ok: true, value: { change: 'ADDED', document: made } };
}

function change(
  current: Document | undefined,
  mutation: Extract<Mutation, { type: 'update' | 'updateStatus' | 'create' }>,
  context: MutationContext,
): Result<Outcome, SlipwayError> {
  const { key, document: wanted } = mutation;
  if (current === undefined) return refuse('notFound', `${describeKey(key)} does not exist`);
  const stale = differs(current, wanted.rest.metadata, key);
  if (stale !== undefined) return { ok: false, error: stale };

  const whole = mutation.type === 'update';
  const rest = whole ? underIdentity(current, wanted) : current.rest;
  if (current.rest.metadata.deletionTimestamp !== undefined) {
    const known = new Set(current.rest.metadata.finalizers);
    if ((rest.metadata.finalizers ?? []).some((finalizer) => !known.has(finalizer))) {
      return refuse('invalid', `${describeKey(key)} is being deleted: no finalizer can be added`);
    }
  }
  const specStays = !whole || sameJson(wanted.spec, current.spec);
  const statusStays = (whole && !mutation.status) || sameJson(wanted.status, current.status);
  const spec = specStays ? current.spec : wanted.spec;
  const status = statusStays ? current.status : wanted.status;
  if (rest.metadata.deletionTimestamp !== undefined && (rest.metadata.finalizers ?? []).length === 0) {
    return gone({ rest, spec, status }, context);
  }
  if (specStays && statusStays && (!whole || isDeepStrictEqual(rest, current.rest))) {
    return { ok: true, value: { document: current } };
  }
  const metadata: StoredMeta = {
    ...rest.metadata,
    generation: current.rest.metadata.generation + (specStays ? 0 : 1),
    resourceVersion: String(context.version),
  };
  return { ok: true, value: { change: 'MODIFIED', document: { rest: { ...rest, metadata }, spec, status } } };
}

function remove(
  current: Document | undefined,
  mutation: Extract<Mutation, { type: 'delete' }>,
  context: MutationContext,
): Result<Outcome, SlipwayError> {
  if (current === undefined) return { ok: true, value: { document: undefined } };
  const stale = differs(current, mutation.precondition, mutation.key);
  if (stale !== undefined) return { ok: false, error: stale };
  const { metadata } = current.rest;
  if ((metadata.finalizers ?? []).length === 0) return gone(current, context);
  if (metadata.deletionTimestamp !== undefined) return { ok: true, value: { document: current } };
  const marked: StoredMeta = {
    ...metadata,
    deletionTimestamp: context.now,
    generation: metadata.generation + 1,
    resourceVersion: String(context.version),
  };
  const document = { ...current, rest: { ...current.rest, metadata: marked } };
  return { ok: true, value: { change: 'MODIFIED', document } };
}

/** What the caller wants, under the identity that the server set. */
function underIdentity(current: Document, wanted: GivenDocument): Document['rest'] {
  const { uid, creationTimestamp, generation, resourceVersion, deletionTimestamp } = current.rest.metadata;
  const { deletionTimestamp: _given, ...metadata } = wanted.rest.metadata;
  return {
    ...wanted.rest,
    metadata: {
      ...metadata,
      uid,
      creationTimestamp,
      generation,
      resourceVersion,
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
  };
}

function gone(last: Document, context: MutationContext): Result<Outcome, SlipwayError> {
  const metadata = { ...last.rest.metadata, resourceVersion: String(context.version) };
  return { ok: true, value: { change: 'DELETED', document: { ...last, rest: { ...last.rest, metadata } } } };
}

/** The conflict, if the caller speaks of another object or of an older state of it. */
function differs(
  current: Document,
  expected: { readonly resourceVersion?: string | undefined; readonly uid?: string | undefined },
  key: ObjectKey,
): SlipwayError | undefined {
  const { uid, resourceVersion } = current.rest.metadata;
  const next = 'read it again and repeat the change';
  if (expected.uid !== undefined && expected.uid !== uid) {
    const message = `${describeKey(key)} is another object of that name now (uid ${uid}, expected ${expected.uid})`;
    return new SlipwayError('conflict', message, { next });
  }
  if (expected.resourceVersion !== undefined && expected.resourceVersion !== resourceVersion) {
    const message = `${describeKey(key)} was changed meanwhile (it is at version ${resourceVersion}, the change was made against ${expected.resourceVersion})`;
    return new SlipwayError('conflict', message, { next });
  }
  return undefined;
}

const refuse = (
  code: 'alreadyExists' | 'notFound' | 'invalid',
  message: string,
): Result<never, SlipwayError> => ({ ok: false, error: new SlipwayError(code, message) });
