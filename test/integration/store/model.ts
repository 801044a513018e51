import { API_VERSION, type ApiObject } from '../../../src/api/meta.ts';
import type { MaintainableStore } from '../../../src/store/store.ts';

/**
 * What a writer of the crash tests does, so that what must be in the store can be told from the number of its
 * last acknowledged write. Each writer acts on its own five objects in turn and waits for each answer: after
 * a crash the store shows its state after the last acknowledged write or after the one that was under way.
 */
export const OBJECTS_PER_WRITER = 5;

export interface Write {
  readonly name: string;
  /** Undefined for a deletion. */
  readonly spec: Readonly<Record<string, unknown>> | undefined;
}

/** The n-th write (from 1) of a writer. */
export function writeOf(writer: string, n: number): Write {
  const name = `${writer}-${n % OBJECTS_PER_WRITER}`;
  if (n % 17 === 0) return { name, spec: undefined };
  // Of changing length, so that pages split and merge.
  return { name, spec: { writer, n, pad: `${n}.`.repeat((n * 37) % 700) } };
}

export const objectOf = (write: Write): ApiObject => ({
  apiVersion: API_VERSION,
  kind: 'Application',
  metadata: { name: write.name, namespace: 'crash' },
  spec: write.spec,
});

/** The writer's objects after its first n writes: name → spec. */
export function stateAfter(writer: string, n: number): Map<string, unknown> {
  const state = new Map<string, unknown>();
  for (let i = Math.max(1, n - 4 * OBJECTS_PER_WRITER); i <= n; i++) {
    const { name, spec } = writeOf(writer, i);
    if (spec === undefined) state.delete(name);
    else state.set(name, spec);
  }
  return state;
}

/** The n-th write of a writer, done. */
export async function perform(store: MaintainableStore, writer: string, n: number): Promise<string> {
  const write = writeOf(writer, n);
  const key = { kind: 'Application', namespace: 'crash', name: write.name };
  const present = await store.get(key);
  if (write.spec === undefined) {
    return (await store.delete(key))?.metadata.resourceVersion ?? (await store.currentVersion());
  }
  const done =
    present === undefined
      ? await store.create(objectOf(write))
      : await store.update({ ...present, spec: write.spec });
  return done.metadata.resourceVersion;
}

/** Undefined when the store shows a state that it may show; else what is wrong. */
export async function whyWrong(
  store: MaintainableStore,
  acknowledged: ReadonlyMap<string, { readonly n: number; readonly version: number }>,
): Promise<string | undefined> {
  const { items, resourceVersion } = await store.list('Application', { namespace: 'crash' });
  const all = new Map(items.map((item) => [item.metadata.name, item.spec]));
  for (const [writer, { n, version }] of acknowledged) {
    if (Number(resourceVersion) < version) {
      return `the store is at version ${resourceVersion}; ${version} was acknowledged`;
    }
    const found = new Map([...all].filter(([name]) => name.startsWith(`${writer}-`)));
    if (!same(found, stateAfter(writer, n)) && !same(found, stateAfter(writer, n + 1))) {
      const shown = [...found].map(([name, spec]) => `${name}@${String((spec as { n?: number }).n)}`);
      return `writer ${writer} had write ${n} acknowledged; the store shows ${shown.join(' ') || 'nothing'}`;
    }
  }
  return undefined;
}

const same = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean =>
  a.size === b.size && [...a].every(([name, spec]) => JSON.stringify(spec) === JSON.stringify(b.get(name)));
