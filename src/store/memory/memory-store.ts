import type { ApiObject, Stored } from '../../api/meta.ts';
import { type Clock, instant } from '../../lib/clock.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { documentOf, FRESH_JSON, type JsonText, keyId, keyOf, objectOf } from '../document.ts';
import { type Entry, History, type HistoryLimits } from '../history.ts';
import { type Mutation, mutate } from '../mutation.ts';
import { compareKeys, decodeContinuation, page } from '../selection.ts';
import type { ListOptions, MaintainableStore, ObjectKey } from '../store.ts';
import { parseVersion, requireKept, Wakeup, watchHistory } from '../watch.ts';

/** The Store for tests and the simulator. It has the port's order and refusals, and no durability. */
export type MemoryStore = Omit<MaintainableStore, 'backup'>;

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly history?: HistoryLimits;
  /** By default objects are given out as fresh ones that their receiver may change. */
  readonly json?: JsonText;
}

export function memoryStore(options: MemoryStoreOptions): MemoryStore {
  const objects = new Map<string, Entry>();
  const kinds = new Map<string, Map<string, Entry>>();
  const history = new History(0, options.history);
  const wakeup = new Wakeup();
  const { json = FRESH_JSON } = options;

  const requireOpen = () => {
    if (wakeup.closed !== undefined) throw wakeup.closed;
  };

  const write = <T extends ApiObject>(mutation: Mutation): Stored<T> | undefined => {
    requireOpen();
    const { kind, namespace = '', name } = mutation.key;
    const id = keyId(kind, namespace, name);
    const before = objects.get(id);
    const [version, at] = [history.head + 1, options.clock.now()];
    const outcome = mutate(before?.document, mutation, {
      version,
      now: instant(at),
      uid: () => options.random.uuid(),
    });
    if (!outcome.ok) throw outcome.error;
    const { change: type, document } = outcome.value;
    if (document === undefined) return undefined;
    if (type !== undefined) {
      const entry: Entry = { version, type, kind, namespace, name, document, at, before };
      history.append(entry);
      const ofKind = kinds.get(kind) ?? new Map<string, Entry>();
      kinds.set(kind, ofKind);
      for (const each of [objects, ofKind]) {
        if (type === 'DELETED') each.delete(id);
        else each.set(id, entry);
      }
      wakeup.notify();
    }
    return objectOf<T>(document, json);
  };

  const at = (kind: string, version: number) => {
    const now = [...(kinds.get(kind)?.values() ?? [])];
    const then =
      version === history.head
        ? now
        : [...now.filter((e) => e.version <= version), ...history.replacedSince(kind, version)];
    return then
      .sort(compareKeys)
      .map(({ namespace, name, document }) => ({ namespace, name, document: () => document }));
  };

  return {
    async get<T extends ApiObject>({ kind, namespace, name }: ObjectKey) {
      requireOpen();
      const entry = objects.get(keyId(kind, namespace, name));
      return entry === undefined ? undefined : objectOf<T>(entry.document, json);
    },
    async list<T extends ApiObject>(kind: string, list: ListOptions = {}) {
      requireOpen();
      const token = list.continueToken;
      const version = token === undefined ? history.head : decodeContinuation(token, kind).version;
      requireKept(history, version);
      return page<T>(kind, version, at(kind, version), list, json);
    },
    async create<T extends ApiObject>(object: T) {
      return write<T>({
        type: 'create',
        key: keyOf(object),
        document: documentOf(object, json),
      }) as Stored<T>;
    },
    async update<T extends ApiObject>(object: Stored<T>, how: { status?: boolean } = {}) {
      const [key, document] = [keyOf(object), documentOf(object, json)];
      return write<T>({ type: 'update', key, document, status: how.status ?? false }) as Stored<T>;
    },
    async updateStatus<T extends ApiObject>(object: Stored<T>) {
      return write<T>({
        type: 'updateStatus',
        key: keyOf(object),
        document: documentOf(object, json),
      }) as Stored<T>;
    },
    async delete<T extends ApiObject>(key: ObjectKey, precondition = {}) {
      return write<T>({ type: 'delete', key, precondition });
    },
    watch: (kind, watch) => watchHistory(() => history, wakeup, kind, watch, json),
    async close() {
      wakeup.close(new SlipwayError('unavailable', 'the store was closed'));
    },
    async compact(before: string) {
      requireOpen();
      history.forget(parseVersion(before));
      wakeup.notify();
    },
    async currentVersion() {
      requireOpen();
      return String(history.head);
    },
  };
}
