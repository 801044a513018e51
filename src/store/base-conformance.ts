import assert from 'node:assert/strict';
import { API_VERSION, type ApiObject, type Stored } from '../api/meta.ts';
import { type ErrorCode, isSlipwayError } from '../lib/errors.ts';
import type { MaintainableStore, WatchEvent, WatchOptions } from './store.ts';

/** A store under test: any adapter, fresh and empty. */
export type ConformanceStore = Omit<MaintainableStore, 'backup'>;

/** One promise of the Store port. It fails by throwing; the caller opens and closes the store. */
export interface ConformanceCase {
  readonly name: string;
  run(store: ConformanceStore): Promise<void>;
}

export const object = (
  name: string,
  more: Partial<ApiObject> & { labels?: Record<string, string> } = {},
): ApiObject => ({
  apiVersion: API_VERSION,
  kind: more.kind ?? 'Application',
  metadata: { name, namespace: 'default', ...(more.labels && { labels: more.labels }), ...more.metadata },
  spec: more.spec ?? { n: 0 },
  ...(more.status === undefined ? {} : { status: more.status }),
});
export const key = (name: string, namespace = 'default') => ({ kind: 'Application', namespace, name });

export async function refused(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => isSlipwayError(error, code), `expected the error ${code}`);
}

/** The next `count` events of a watch; ends the watch. */
export async function events(
  store: ConformanceStore,
  count: number,
  options: Omit<WatchOptions, 'signal'>,
): Promise<WatchEvent<ApiObject>[]> {
  const found: WatchEvent<ApiObject>[] = [];
  if (count === 0) return found;
  for await (const event of store.watch<ApiObject>('Application', {
    ...options,
    signal: AbortSignal.timeout(10_000),
  })) {
    found.push(event);
    if (found.length === count) return found;
  }
  assert.fail(`the watch gave ${found.length} of ${count} events in 10 s`);
}

export const brief = (found: readonly WatchEvent<ApiObject>[]) =>
  found.map((e) => `${e.type} ${e.object.metadata.name} ${JSON.stringify(e.object.spec)}`);
export const names = (items: readonly Stored[]) => items.map((o) => o.metadata.name);
export const spec = (stored: Stored, value: unknown): Stored => ({ ...stored, spec: value });
export const meta = (stored: Stored, value: Partial<Stored['metadata']>): Stored => ({
  ...stored,
  metadata: { ...stored.metadata, ...value },
});
