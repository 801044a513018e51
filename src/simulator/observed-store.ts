import type { ApiObject, Stored } from '../api/meta.ts';
import type { MemoryStore } from '../store/memory/memory-store.ts';
import type { ListOptions, ListResult, ObjectKey } from '../store/store.ts';

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

/**
 * The store that outlives the processes, with someone who sees every committed write in its order. Writes and
 * watches are the real store's; reads are answered from what was committed, frozen, since parsing each object
 * at each read was most of a run's time: whoever changes what it read fails loudly.
 */
export function observedStore(store: MemoryStore, seen: (written: Written) => void): ObservedStore {
  const objects = new Map<string, Stored>();
  const kinds = new Map<string, Map<string, Stored>>();
  let head = '0';

  const commit = (object: Stored, deleted: boolean) => {
    const id = idOf(object);
    const before = objects.get(id);
    head = object.metadata.resourceVersion;
    const ofKind = kinds.get(object.kind) ?? new Map<string, Stored>();
    kinds.set(object.kind, ofKind);
    if (deleted) {
      objects.delete(id);
      ofKind.delete(id);
    } else {
      objects.set(id, freeze(object));
      ofKind.set(id, object);
    }
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
      get: async <T extends ApiObject>({ kind, namespace = '', name }: ObjectKey) =>
        objects.get(`${kind}/${namespace}/${name}`) as Stored<T> | undefined,
      list: async <T extends ApiObject>(kind: string, list: ListOptions = {}): Promise<ListResult<T>> => {
        if (list.limit !== undefined || list.continueToken !== undefined) return store.list<T>(kind, list);
        const items = [...(kinds.get(kind)?.values() ?? [])].filter((object) => matches(object, list));
        return { items: items.sort(byName) as unknown as Stored<T>[], resourceVersion: head };
      },
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

const matches = ({ metadata }: Stored, { namespace, labels = {} }: ListOptions): boolean =>
  (namespace === undefined || metadata.namespace === namespace) &&
  Object.entries(labels).every(([name, value]) => metadata.labels?.[name] === value);

const byName = (a: Stored, b: Stored): number => {
  const [x, y] = [
    `${a.metadata.namespace ?? ''}/${a.metadata.name}`,
    `${b.metadata.namespace ?? ''}/${b.metadata.name}`,
  ];
  return x < y ? -1 : x > y ? 1 : 0;
};

function freeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) freeze(item);
  }
  return value;
}
