import type { ApiObject, Stored } from '../../api/meta.ts';
import { type Clock, instant } from '../../lib/clock.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { type Change, type ChangeLog, parseVersion, requireKept, Wakeup, watchLog } from '../change-log.ts';
import { keyOf, type Mutation, mutate, serialise } from '../mutation.ts';
import { compareKeys, decodeContinuation, encodeContinuation, matchesLabels } from '../selection.ts';
import type { ListOptions, ListResult, MaintainableStore, ObjectKey } from '../store.ts';

/** One state of one object, linked to the one before it. */
interface Entry {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly body: string;
  /** Cut when this entry is compacted, else the chain would keep all of history alive. */
  before: Entry | undefined;
}

/** The Store for tests and the simulator. It has the port's order and refusals, and no durability. */
export type MemoryStore = Omit<MaintainableStore, 'backup'>;

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Changes that are kept for watches; older ones are compacted. Default 100,000. */
  readonly maxChanges?: number;
}

export function memoryStore(options: MemoryStoreOptions): MemoryStore {
  const objects = new Map<string, Entry>();
  let log: Entry[] = [];
  let head = 0;
  let compacted = 0;
  const maxChanges = options.maxChanges ?? 100_000;
  const wakeup = new Wakeup();

  const id = (key: ObjectKey) => JSON.stringify([key.kind, key.namespace ?? '', key.name]);

  const requireOpen = () => {
    if (wakeup.closed !== undefined) throw wakeup.closed;
  };

  const write = (mutation: Mutation): Stored | undefined => {
    requireOpen();
    const before = objects.get(id(mutation.key));
    const current = before === undefined ? undefined : (JSON.parse(before.body) as Stored);
    const outcome = mutate(current, mutation, {
      version: head + 1,
      now: instant(options.clock.now()),
      uid: () => options.random.uuid(),
    });
    if (!outcome.ok) throw outcome.error;
    const { change, answer } = outcome.value;
    if (change !== undefined) {
      head += 1;
      const entry: Entry = {
        version: head,
        type: change.type,
        kind: mutation.key.kind,
        namespace: mutation.key.namespace ?? '',
        name: mutation.key.name,
        body: JSON.stringify(change.object),
        before,
      };
      log.push(entry);
      if (change.type === 'DELETED') objects.delete(id(mutation.key));
      else objects.set(id(mutation.key), entry);
      if (log.length > maxChanges * 1.2) forget(head - maxChanges);
      wakeup.notify();
    }
    return answer === undefined ? undefined : (JSON.parse(JSON.stringify(answer)) as Stored);
  };

  const forget = (through: number) => {
    if (through <= compacted) return;
    compacted = through;
    const kept = firstAfter(log, compacted);
    for (const entry of log.slice(0, kept)) entry.before = undefined;
    log = log.slice(kept);
    wakeup.notify();
  };

  const changes: ChangeLog = {
    head: () => head,
    compacted: () => compacted,
    after: (kind, version, limit, namespace) => {
      const found: Entry[] = [];
      for (let i = firstAfter(log, version); i < log.length; i++) {
        const entry = log[i] as Entry;
        if (entry.kind !== kind || (namespace !== undefined && entry.namespace !== namespace)) continue;
        if (found.length === limit) {
          return { changes: found.map(asChange), through: (found.at(-1) as Entry).version };
        }
        found.push(entry);
      }
      return { changes: found.map(asChange), through: head };
    },
  };

  /** The objects of a kind as they were at a version that is not compacted. */
  const at = (kind: string, version: number): Entry[] => {
    const then = new Map<string, Entry>();
    for (const [key, entry] of objects) {
      if (entry.kind === kind && entry.version <= version) then.set(key, entry);
    }
    const seen = new Set<string>();
    for (let i = firstAfter(log, version); i < log.length; i++) {
      const entry = log[i] as Entry;
      const key = id(entry);
      if (entry.kind !== kind || seen.has(key)) continue;
      seen.add(key);
      if (entry.before !== undefined) then.set(key, entry.before);
    }
    return [...then.values()].sort(compareKeys);
  };

  return {
    async get<T extends ApiObject>(key: ObjectKey) {
      requireOpen();
      const entry = objects.get(id(key));
      return entry === undefined ? undefined : (JSON.parse(entry.body) as Stored<T>);
    },
    async list<T extends ApiObject>(kind: string, list: ListOptions = {}): Promise<ListResult<T>> {
      requireOpen();
      const from =
        list.continueToken === undefined ? undefined : decodeContinuation(list.continueToken, kind);
      const version = from?.version ?? head;
      requireKept(changes, version);
      const items: Stored<T>[] = [];
      let last: Entry | undefined;
      for (const entry of at(kind, version)) {
        if (from !== undefined && compareKeys(entry, from) <= 0) continue;
        if (list.namespace !== undefined && entry.namespace !== list.namespace) continue;
        const object = JSON.parse(entry.body) as Stored<T>;
        if (!matchesLabels(object, list.labels)) continue;
        if (list.limit !== undefined && items.length >= list.limit && last !== undefined) {
          const { namespace, name } = last;
          const continueToken = encodeContinuation({ kind, version, namespace, name });
          return { items, resourceVersion: String(version), continueToken };
        }
        items.push(object);
        last = entry;
      }
      return { items, resourceVersion: String(version) };
    },
    async create<T extends ApiObject>(object: T) {
      return write({ type: 'create', key: keyOf(object), text: serialise(object) }) as Stored<T>;
    },
    async update<T extends ApiObject>(object: Stored<T>, how: { status?: boolean } = {}) {
      const key = keyOf(object as ApiObject);
      const text = serialise(object as ApiObject);
      return write({ type: 'update', key, text, status: how.status ?? false }) as Stored<T>;
    },
    async updateStatus<T extends ApiObject>(object: Stored<T>) {
      const key = keyOf(object as ApiObject);
      return write({ type: 'updateStatus', key, text: serialise(object as ApiObject) }) as Stored<T>;
    },
    async delete<T extends ApiObject>(key: ObjectKey, precondition = {}) {
      return write({ type: 'delete', key, precondition }) as Stored<T> | undefined;
    },
    watch: (kind, watch) => watchLog(changes, wakeup, kind, watch),
    async close() {
      wakeup.close(new SlipwayError('unavailable', 'the store was closed'));
    },
    async compact(before: string) {
      requireOpen();
      forget(Math.min(parseVersion(before), head));
    },
    async currentVersion() {
      return String(head);
    },
  };
}

const asChange = (entry: Entry): Change => ({
  version: entry.version,
  type: entry.type,
  body: entry.body,
  previous: () => entry.before?.body,
});

/** Index of the first entry after a version; entries are in order of version. */
function firstAfter(log: readonly Entry[], version: number): number {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((log[middle] as Entry).version <= version) low = middle + 1;
    else high = middle;
  }
  return low;
}
