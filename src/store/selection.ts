import type { Stored } from '../api/meta.ts';
import { SlipwayError } from '../lib/errors.ts';

/** Whether all the labels are there with these values. */
export function matchesLabels(
  object: Pick<Stored, 'metadata'>,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  if (labels === undefined) return true;
  const own = object.metadata.labels ?? {};
  return Object.entries(labels).every(([name, value]) => Object.hasOwn(own, name) && own[name] === value);
}

/** Where a paged list goes on: after this key, in the state that the first page saw. */
export interface Continuation {
  readonly kind: string;
  readonly version: number;
  readonly namespace: string;
  readonly name: string;
}

export const encodeContinuation = (c: Continuation): string =>
  Buffer.from(JSON.stringify([1, c.kind, c.version, c.namespace, c.name])).toString('base64url');

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
  return { kind, version: version as number, namespace, name };
}

/** Order of lists: by namespace, then by name, as code units. Negative when a comes first. */
export function compareKeys(
  a: { readonly namespace: string; readonly name: string },
  b: { readonly namespace: string; readonly name: string },
): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name === b.name ? 0 : a.name < b.name ? -1 : 1;
}
