import type { ApiObject, ObjectMeta } from '../api/meta.ts';
import { SlipwayError } from '../lib/errors.ts';
import { type Document, FRESH_JSON, type JsonText, objectOf } from './document.ts';
import type { ListOptions, ListResult } from './store.ts';

/** Whether all the labels are there with these values. */
export function hasLabels(
  metadata: Pick<ObjectMeta, 'labels'>,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  if (labels === undefined) return true;
  const own = metadata.labels ?? {};
  return Object.entries(labels).every(([name, value]) => Object.hasOwn(own, name) && own[name] === value);
}

/** Where a paged list goes on: after this key, in the state that the first page saw. */
export interface Continuation {
  readonly version: number;
  readonly namespace: string;
  readonly name: string;
}

const encode = (kind: string, c: Continuation): string =>
  Buffer.from(JSON.stringify([1, kind, c.version, c.namespace, c.name])).toString('base64url');

/** `badRequest` where the token is not one that a list of this kind gave out. */
export function decodeContinuation(token: string, kind: string): Continuation {
  const bad = (cause?: unknown) =>
    new SlipwayError('badRequest', 'the continue token is not one that this list gave out', {
      next: 'list again from the start',
      cause,
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch (cause) {
    throw bad(cause);
  }
  if (!Array.isArray(parsed) || parsed.length !== 5) throw bad();
  const [format, ofKind, version, namespace, name] = parsed as unknown[];
  if (format !== 1 || ofKind !== kind || !Number.isSafeInteger(version)) throw bad();
  if (typeof namespace !== 'string' || typeof name !== 'string') throw bad();
  return { version: version as number, namespace, name };
}

/** Order of lists: by namespace, then by name, as code units. Negative when a comes first. */
export function compareKeys(
  a: { readonly namespace: string; readonly name: string },
  b: { readonly namespace: string; readonly name: string },
): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name === b.name ? 0 : a.name < b.name ? -1 : 1;
}

/** One object that a list walks over, read only where it is selected. */
export interface Row {
  readonly namespace: string;
  readonly name: string;
  document(): Document;
}

/**
 * One page out of the rows of a kind, which come in order and show the state of `version`. Rows up to the
 * continuation's key are passed over.
 */
export function page<T extends ApiObject>(
  kind: string,
  version: number,
  rows: Iterable<Row>,
  options: ListOptions,
  json: JsonText = FRESH_JSON,
): ListResult<T> {
  const { continueToken, limit = Number.POSITIVE_INFINITY, namespace, labels } = options;
  const from = continueToken === undefined ? undefined : decodeContinuation(continueToken, kind);
  const resourceVersion = String(version);
  const items: ListResult<T>['items'][number][] = [];
  let last: Row | undefined;
  for (const row of rows) {
    if (from !== undefined && compareKeys(row, from) <= 0) continue;
    if (namespace !== undefined && row.namespace !== namespace) continue;
    const document = row.document();
    if (!hasLabels(document.rest.metadata, labels)) continue;
    if (items.length >= limit && last !== undefined) {
      const next = encode(kind, { version, namespace: last.namespace, name: last.name });
      return { items, resourceVersion, continueToken: next };
    }
    items.push(objectOf<T>(document, json));
    last = row;
  }
  return { items, resourceVersion };
}
