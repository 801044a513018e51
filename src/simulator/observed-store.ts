import type { ApiObject, Stored } from '../api/meta.ts';
import type { MemoryStore } from '../store/memory/memory-store.ts';
import type { ObjectKey } from '../store/store.ts';

/** What was written and is there now; `before` is what it replaced. */
export interface Written {
  readonly kind: string;
  readonly object: Stored;
  readonly before: Stored | undefined;
  readonly deleted: boolean;
}

export interface ObservedStore {
  readonly store: MemoryStore;
  /** Every object as last committed, by `kind/namespace/name`. */
  readonly objects: ReadonlyMap<string, Stored>;
}

const idOf = ({ kind, metadata: { namespace = '', name } }: ApiObject): string =>
  `${kind}/${namespace}/${name}`;

/** The store that outlives the processes, with someone who sees every committed write in its order. */
export function observedStore(store: MemoryStore, seen: (written: Written) => void): ObservedStore {
  const objects = new Map<string, Stored>();
  const commit = (object: Stored, deleted: boolean) => {
    const id = idOf(object);
    const before = objects.get(id);
    if (deleted) objects.delete(id);
    else objects.set(id, object);
    seen({ kind: object.kind, object, before, deleted });
  };
  const told = <T extends ApiObject>(object: Stored<T>): Stored<T> => {
    // A write that changed nothing committed nothing.
    if (objects.get(idOf(object))?.metadata.resourceVersion === object.metadata.resourceVersion)
      return object;
    const going = object.metadata.deletionTimestamp !== undefined;
    commit(object, going && (object.metadata.finalizers ?? []).length === 0);
    return object;
  };
  return {
    objects,
    store: {
      ...store,
      create: async (object) => told(await store.create(object)),
      update: async (object, how) => told(await store.update(object, how)),
      updateStatus: async (object) => told(await store.updateStatus(object)),
      delete: async <T extends ApiObject>(
        key: ObjectKey,
        precondition?: { resourceVersion?: string; uid?: string },
      ) => {
        const removed = await store.delete<T>(key, precondition);
        if (removed !== undefined) {
          const gone = (removed.metadata.finalizers ?? []).length === 0;
          commit(removed as Stored, gone);
        }
        return removed;
      },
    },
  };
}
