import { isDeepStrictEqual } from 'node:util';
import type { ApiObject, Stored, StoredMeta } from '../api/meta.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { ObjectKey } from './store.ts';

/** etcd's default limit of a request: what the Kubernetes adapter could not keep, no adapter takes. */
export const MAX_OBJECT_BYTES = 1_572_864;

/**
 * An object as stores hold it: spec and status as JSON text, since a store compares and keeps them and never
 * looks inside, and text cannot be changed behind its back. The rest, unknown fields included, is parsed.
 */
export interface Document<M = StoredMeta> {
  readonly rest: { readonly apiVersion: string; readonly kind: string; readonly metadata: M };
  readonly spec: string | undefined;
  readonly status: string | undefined;
}

/** As a caller gave it: what the server sets in metadata may be missing or forged. */
export type GivenDocument = Document<ApiObject['metadata']>;

/** The key of an object; an `invalid` error where kind or name is missing. */
export function keyOf(object: ApiObject | Stored): ObjectKey {
  const { kind, metadata } = object;
  if (typeof kind !== 'string' || kind === '' || typeof metadata?.name !== 'string' || metadata.name === '') {
    throw new SlipwayError('invalid', 'an object needs a kind and a metadata.name');
  }
  return { kind, namespace: metadata.namespace, name: metadata.name };
}

/** Words for a key: `Release default/shop-local-r2`. */
export const describeKey = (key: ObjectKey): string =>
  `${key.kind} ${key.namespace === undefined ? '' : `${key.namespace}/`}${key.name}`;

/** One string for a key, for maps. */
export const keyId = (kind: string, namespace: string | undefined, name: string): string =>
  `${kind}\0${namespace ?? ''}\0${name}`;

/** Takes an object as it is now; refuses what JSON cannot say and what no store holds. */
export function documentOf(object: ApiObject | Stored): GivenDocument {
  const { spec, status, ...rest } = object;
  try {
    const text = JSON.stringify(rest);
    const document = {
      rest: JSON.parse(text) as GivenDocument['rest'],
      spec: JSON.stringify(spec),
      status: JSON.stringify(status),
    };
    requireSize(object, text, document);
    return document;
  } catch (cause) {
    if (cause instanceof SlipwayError) throw cause;
    throw new SlipwayError('invalid', `${describeKey(keyOf(object))} cannot be written as JSON`, { cause });
  }
}

function requireSize(
  object: ApiObject | Stored,
  text: string,
  { spec = '', status = '' }: GivenDocument,
): void {
  const characters = text.length + spec.length + status.length;
  // A quick look first: a UTF-16 code unit is at most 3 bytes of UTF-8.
  if (characters * 3 <= MAX_OBJECT_BYTES) return;
  const bytes = Buffer.byteLength(text) + Buffer.byteLength(spec) + Buffer.byteLength(status);
  if (bytes <= MAX_OBJECT_BYTES) return;
  throw new SlipwayError(
    'tooLarge',
    `${describeKey(keyOf(object))} is ${bytes} bytes; at most ${MAX_OBJECT_BYTES} are kept`,
  );
}

/** The JSON text of the whole object. */
export function bodyOf(document: Document): string {
  const spec = document.spec === undefined ? '' : `,"spec":${document.spec}`;
  const status = document.status === undefined ? '' : `,"status":${document.status}`;
  return `${JSON.stringify(document.rest).slice(0, -1)}${spec}${status}}`;
}

/** The opposite of `bodyOf`, for text that a store has kept. */
export function parseBody(body: string): Document {
  const { spec, status, ...rest } = JSON.parse(body) as Stored;
  return { rest, spec: JSON.stringify(spec), status: JSON.stringify(status) };
}

/** A fresh object that its receiver may change. */
export const objectOf = <T extends ApiObject>(document: Document): Stored<T> =>
  JSON.parse(bodyOf(document)) as Stored<T>;

/** Whether two texts that JSON.stringify made mean the same; the order of keys does not count. */
export function sameJson(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  // Without a difference in content only the order differs, and that leaves the length as it is.
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  return isDeepStrictEqual(JSON.parse(a), JSON.parse(b));
}
