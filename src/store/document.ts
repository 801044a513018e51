import { isDeepStrictEqual } from 'node:util';
import type { ApiObject, Stored, StoredMeta } from '../api/meta.ts';
import { cloneJson } from '../lib/clone-json.ts';
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

/** Between values and their text, and between values and their copies; the simulator's remembers all of them. */
export interface JsonText {
  parse(text: string): unknown;
  stringify(value: unknown): string | undefined;
  /** What a document holds for its receiver: fresh, or such that nobody can change it. */
  copy<T>(value: T): T;
}

export const FRESH_JSON: JsonText = { parse: JSON.parse, stringify: JSON.stringify, copy: cloneJson };

/** Takes an object as it is now; refuses what JSON cannot say and what no store holds. */
export function documentOf(object: ApiObject | Stored, json: JsonText = FRESH_JSON): GivenDocument {
  const { spec, status, ...rest } = object;
  try {
    const document = {
      rest: cloneJson<unknown>(rest) as GivenDocument['rest'],
      spec: json.stringify(spec),
      status: json.stringify(status),
    };
    requireSize(object, document);
    return document;
  } catch (cause) {
    if (cause instanceof SlipwayError) throw cause;
    throw new SlipwayError('invalid', `${describeKey(keyOf(object))} cannot be written as JSON`, { cause });
  }
}

function requireSize(object: ApiObject | Stored, { rest, spec = '', status = '' }: GivenDocument): void {
  // A character is at most three bytes of UTF-8 here: most objects are far too small to be counted.
  const text = spec.length + status.length;
  if (3 * (text + JSON.stringify(rest).length) <= MAX_OBJECT_BYTES) return;
  const bytes = Buffer.byteLength(JSON.stringify(rest)) + Buffer.byteLength(spec) + Buffer.byteLength(status);
  if (bytes <= MAX_OBJECT_BYTES) return;
  throw new SlipwayError(
    'tooLarge',
    `${describeKey(keyOf(object))} is ${bytes} bytes; at most ${MAX_OBJECT_BYTES} are kept`,
  );
}

/** A fresh object that its receiver may change, as far as `json` gives fresh values. */
export function objectOf<T extends ApiObject>(
  { rest, spec, status }: Document,
  json: JsonText = FRESH_JSON,
): Stored<T> {
  const object: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) object[name] = json.copy(value);
  if (spec !== undefined) object.spec = json.parse(spec);
  if (status !== undefined) object.status = json.parse(status);
  return object as unknown as Stored<T>;
}

/** Whether two texts that JSON.stringify made mean the same; the order of keys does not count. */
export function sameJson(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  // What differs in its order alone has the same characters where it differs; outside they are the same anyway.
  const from = firstDifference(a, b);
  const to = endOfDifference(a, b, from);
  let difference = 0;
  for (let i = from; i < to; i++) difference += a.charCodeAt(i) - b.charCodeAt(i);
  return difference === 0 && isDeepStrictEqual(JSON.parse(a), JSON.parse(b));
}

// Each write compares the object as it is with what it shall be, so most of both is the same. Pieces of a text
// cost no copy, and the engine compares them many times faster than a loop over characters.

const PIECE = 128;

/** Of two texts of one length that differ. */
function firstDifference(a: string, b: string): number {
  let at = 0;
  while (a.slice(at, at + PIECE) === b.slice(at, at + PIECE)) at += PIECE;
  while (a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  return at;
}

/** From where on they are the same, or a little further. */
function endOfDifference(a: string, b: string, from: number): number {
  let length = 16;
  while (a.slice(from + length) !== b.slice(from + length)) length *= 2;
  return Math.min(from + length, a.length);
}
