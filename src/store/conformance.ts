import assert from 'node:assert/strict';
import { API_VERSION, type ApiObject, type Stored } from '../api/meta.ts';
import { type ErrorCode, isSlipwayError } from '../lib/errors.ts';
import { MAX_OBJECT_BYTES } from './document.ts';
import { compareVersions, type MaintainableStore, type WatchEvent, type WatchOptions } from './store.ts';

/** A store under test: any adapter, fresh and empty. */
export type ConformanceStore = Omit<MaintainableStore, 'backup'>;

/** One promise of the Store port. It fails by throwing; the caller opens and closes the store. */
export interface ConformanceCase {
  readonly name: string;
  run(store: ConformanceStore): Promise<void>;
}

const object = (
  name: string,
  more: Partial<ApiObject> & { labels?: Record<string, string> } = {},
): ApiObject => ({
  apiVersion: API_VERSION,
  kind: more.kind ?? 'Application',
  metadata: { name, namespace: 'default', ...(more.labels && { labels: more.labels }), ...more.metadata },
  spec: more.spec ?? { n: 0 },
  ...(more.status === undefined ? {} : { status: more.status }),
});
const key = (name: string, namespace = 'default') => ({ kind: 'Application', namespace, name });

async function refused(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => isSlipwayError(error, code), `expected the error ${code}`);
}

/** The next `count` events of a watch; ends the watch. */
async function events(
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

const brief = (found: readonly WatchEvent<ApiObject>[]) =>
  found.map((e) => `${e.type} ${e.object.metadata.name} ${JSON.stringify(e.object.spec)}`);
const names = (items: readonly Stored[]) => items.map((o) => o.metadata.name);
const spec = (stored: Stored, value: unknown): Stored => ({ ...stored, spec: value });
const meta = (stored: Stored, value: Partial<Stored['metadata']>): Stored => ({
  ...stored,
  metadata: { ...stored.metadata, ...value },
});

export const conformance: readonly ConformanceCase[] = [
  {
    name: 'create sets uid, version, generation and time, whatever the caller wrote there',
    async run(store) {
      const forged = { name: 'a', uid: 'mine', resourceVersion: '99', generation: 7, deletionTimestamp: 'x' };
      const a = await store.create({ ...object('a'), metadata: { ...forged, namespace: 'default' } });
      assert.notEqual(a.metadata.uid, 'mine');
      assert.notEqual(a.metadata.resourceVersion, '99');
      assert.equal(a.metadata.generation, 1);
      assert.equal(a.metadata.deletionTimestamp, undefined);
      assert.match(a.metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.deepEqual(await store.get(key('a')), a);
    },
  },
  {
    name: 'create refuses a name that is taken, in its namespace and kind alone',
    async run(store) {
      await store.create(object('a'));
      await refused('alreadyExists', store.create(object('a')));
      await store.create(object('a', { metadata: { name: 'a', namespace: 'other' } }));
      await store.create(object('a', { kind: 'Secret' }));
      await store.create({ apiVersion: API_VERSION, kind: 'Cluster', metadata: { name: 'a' } });
      assert.ok(await store.get({ kind: 'Cluster', name: 'a' }));
    },
  },
  {
    name: 'create keeps a status, so that an object can begin whole',
    async run(store) {
      await store.create(object('a', { status: { phase: 'Pending' } }));
      assert.deepEqual((await store.get(key('a')))?.status, { phase: 'Pending' });
    },
  },
  {
    name: 'an object without kind or name, or too large for etcd, is refused',
    async run(store) {
      await refused('invalid', store.create({ apiVersion: API_VERSION, kind: '', metadata: { name: 'a' } }));
      await refused('invalid', store.create(object('')));
      const large = 'x'.repeat(MAX_OBJECT_BYTES);
      await refused('tooLarge', store.create(object('a', { spec: { large } })));
      await store.create(object('b', { spec: { large: large.slice(1_000) } }));
    },
  },
  {
    name: 'get answers undefined for what is not there',
    async run(store) {
      assert.equal(await store.get(key('a')), undefined);
    },
  },
  {
    name: 'update is compare-and-set: the second of two writers is refused',
    async run(store) {
      const a = await store.create(object('a'));
      const first = await store.update(spec(a, { n: 1 }));
      await refused('conflict', store.update(spec(a, { n: 2 })));
      await refused('conflict', store.updateStatus({ ...a, status: {} }));
      assert.deepEqual(await store.get(key('a')), first);
    },
  },
  {
    name: 'of many writers at one version exactly one wins',
    async run(store) {
      const a = await store.create(object('a'));
      const outcomes = await Promise.allSettled(
        Array.from({ length: 50 }, (_, n) => store.update(spec(a, { n: n + 1 }))),
      );
      const won = outcomes.filter((o) => o.status === 'fulfilled');
      assert.equal(won.length, 1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') assert.ok(isSlipwayError(outcome.reason, 'conflict'));
      }
      assert.deepEqual(await store.get(key('a')), won[0]?.value);
    },
  },
  {
    name: 'update of what is gone is notFound; of a namesake made since, conflict',
    async run(store) {
      const a = await store.create(object('a'));
      await store.delete(key('a'));
      await refused('notFound', store.update(spec(a, { n: 1 })));
      const again = await store.create(object('a'));
      assert.notEqual(again.metadata.uid, a.metadata.uid);
      await refused(
        'conflict',
        store.update(meta(spec(a, {}), { resourceVersion: again.metadata.resourceVersion })),
      );
    },
  },
  {
    name: 'update keeps status unless asked; updateStatus keeps all else',
    async run(store) {
      const a = await store.create(object('a', { status: { s: 1 } }));
      const b = await store.update({ ...spec(a, { n: 1 }), status: { s: 2 } });
      assert.deepEqual([b.spec, b.status], [{ n: 1 }, { s: 1 }]);
      const c = await store.update({ ...spec(b, { n: 2 }), status: { s: 3 } }, { status: true });
      assert.deepEqual([c.spec, c.status], [{ n: 2 }, { s: 3 }]);
      const d = await store.updateStatus({
        ...meta(spec(c, { n: 9 }), { labels: { x: 'y' } }),
        status: { s: 4 },
      });
      assert.deepEqual([d.spec, d.status, d.metadata.labels], [{ n: 2 }, { s: 4 }, undefined]);
    },
  },
  {
    name: 'generation rises with spec alone; the server-set metadata cannot be changed',
    async run(store) {
      const a = await store.create(object('a'));
      const b = await store.update(meta(a, { labels: { x: 'y' }, generation: 40, creationTimestamp: 'now' }));
      assert.equal(b.metadata.generation, 1);
      assert.equal(b.metadata.creationTimestamp, a.metadata.creationTimestamp);
      const c = await store.updateStatus({ ...b, status: {} });
      assert.equal(c.metadata.generation, 1);
      const d = await store.update(spec(c, { n: 1 }));
      assert.equal(d.metadata.generation, 2);
      assert.equal(d.metadata.uid, a.metadata.uid);
    },
  },
  {
    name: 'a write that changes nothing is no write',
    async run(store) {
      const a = await store.create(object('a', { spec: { x: 1, y: [1, { z: 2 }] } }));
      const same = await store.update(spec(a, { y: [1, { z: 2 }], x: 1 }));
      assert.equal(same.metadata.resourceVersion, a.metadata.resourceVersion);
      assert.equal(await store.currentVersion(), a.metadata.resourceVersion);
    },
  },
  {
    name: 'fields that nobody here knows are kept, at every level',
    async run(store) {
      const odd = {
        ...object('a', { spec: { n: 0, later: { deep: [1, null] } }, status: { s: 1, later: true } }),
        metadata: { name: 'a', namespace: 'default', managedFields: [{ manager: 'x' }] },
        extension: { from: 'a newer program' },
      };
      const a = await store.create(odd);
      const b = await store.updateStatus({ ...a, status: { s: 2, later: true } });
      const c = await store.update(meta(b, { labels: { x: 'y' } }));
      const read = (await store.get(key('a'))) as Stored & { extension: unknown };
      assert.deepEqual(read, c);
      assert.deepEqual(read.extension, odd.extension);
      assert.deepEqual(read.metadata.managedFields, odd.metadata.managedFields);
      assert.deepEqual(read.spec, odd.spec);
      assert.deepEqual(read.status, { s: 2, later: true });
    },
  },
  {
    name: 'what a caller does to its object later, or to an answer, does not reach the store',
    async run(store) {
      const mine = { n: 0 };
      const writing = store.create(object('a', { spec: mine }));
      mine.n = 1;
      const a = await writing;
      (a.spec as { n: number }).n = 2;
      const read = await store.get(key('a'));
      assert.deepEqual(read?.spec, { n: 0 });
      (read?.spec as { n: number }).n = 3;
      assert.deepEqual((await store.get(key('a')))?.spec, { n: 0 });
    },
  },
  {
    name: 'text of every kind comes back as it was',
    async run(store) {
      const texts = ['', '\u0000', 'ä ∞ 🚢', '\\"\n', '\ud800'];
      const nothing = JSON.parse('{"__proto__": {"polluted": true}}') as object;
      await store.create(object('a', { spec: { texts, nothing } }));
      const read = (await store.get(key('a'))) as Stored & { spec: { texts: string[] } };
      assert.deepEqual(read.spec.texts, texts);
      assert.equal(({} as { polluted?: boolean }).polluted, undefined);
    },
  },
  {
    name: 'delete answers the last state, or undefined; preconditions hold',
    async run(store) {
      assert.equal(await store.delete(key('a')), undefined);
      const a = await store.create(object('a'));
      const b = await store.update(spec(a, { n: 1 }));
      await refused('conflict', store.delete(key('a'), { resourceVersion: a.metadata.resourceVersion }));
      await refused('conflict', store.delete(key('a'), { uid: 'another' }));
      const { uid, resourceVersion } = b.metadata;
      const last = await store.delete(key('a'), { uid, resourceVersion });
      assert.deepEqual(last?.spec, { n: 1 });
      assert.equal(await store.get(key('a')), undefined);
    },
  },
  {
    name: 'finalizers hold a deleted object until the last is removed',
    async run(store) {
      const a = await store.create(
        object('a', { metadata: { name: 'a', namespace: 'default', finalizers: ['x', 'y'] } }),
      );
      const b = (await store.delete(key('a'))) as Stored;
      assert.ok(b.metadata.deletionTimestamp);
      assert.equal(b.metadata.generation, 2);
      const again = await store.delete(key('a'));
      assert.equal(again?.metadata.resourceVersion, b.metadata.resourceVersion);
      await refused('alreadyExists', store.create(object('a')));
      await refused('invalid', store.update(meta(b, { finalizers: ['x', 'y', 'z'] })));
      const c = await store.update(meta(b, { finalizers: ['y'] }));
      assert.equal(c.metadata.deletionTimestamp, b.metadata.deletionTimestamp);
      await store.update(meta(c, { finalizers: [] }));
      assert.equal(await store.get(key('a')), undefined);
      const seen = await events(store, 4, { since: '0' });
      assert.deepEqual(
        seen.map((e) => e.type),
        ['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED'],
      );
      assert.equal(seen[3]?.object.metadata.uid, a.metadata.uid);
    },
  },
  {
    name: 'versions rise over the whole store, deletions included',
    async run(store) {
      const versions: string[] = [await store.currentVersion()];
      const a = await store.create(object('a'));
      versions.push(a.metadata.resourceVersion);
      const b = await store.create(object('b', { kind: 'Secret' }));
      versions.push(b.metadata.resourceVersion);
      versions.push((await store.update(spec(a, { n: 1 }))).metadata.resourceVersion);
      versions.push((await store.delete(key('a')))?.metadata.resourceVersion ?? '');
      versions.push((await store.create(object('a'))).metadata.resourceVersion);
      for (let i = 1; i < versions.length; i++) {
        assert.equal(compareVersions(versions[i] ?? '', versions[i - 1] ?? ''), 1, versions.join(' '));
      }
      assert.equal(await store.currentVersion(), versions.at(-1));
    },
  },
  {
    name: 'list is of one kind, sorted, by namespace and labels, with the version to watch from',
    async run(store) {
      for (const name of ['b', 'a', 'c']) {
        await store.create(object(name, { labels: { app: name === 'c' ? 'x' : 'y', all: '1' } }));
      }
      await store.create(object('z', { metadata: { name: 'z', namespace: 'another' } }));
      await store.create(object('s', { kind: 'Secret' }));
      const all = await store.list('Application');
      assert.deepEqual(names(all.items), ['z', 'a', 'b', 'c']);
      assert.equal(all.resourceVersion, await store.currentVersion());
      assert.deepEqual(names((await store.list('Application', { namespace: 'default' })).items), [
        'a',
        'b',
        'c',
      ]);
      const labels = { app: 'y', all: '1' };
      assert.deepEqual(names((await store.list('Application', { labels })).items), ['a', 'b']);
      const none = await store.list('Application', { labels: { constructor: 'x' } });
      assert.deepEqual(none.items, []);
      assert.deepEqual((await store.list('Release')).items, []);
    },
  },
  {
    name: 'pages show one state, whatever is written between them',
    async run(store) {
      const made: Stored[] = [];
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) made.push(await store.create(object(name)));
      const first = await store.list('Application', { limit: 2 });
      assert.deepEqual(names(first.items), ['a', 'b']);
      await store.create(object('bb'));
      await store.delete(key('c'));
      await store.update(spec(made[3] as Stored, { n: 5 }));
      await store.delete(key('e'));
      await store.create(object('e', { spec: { n: 6 } }));
      await store.delete(key('a'));
      const rest: Stored[] = [];
      let token = first.continueToken;
      while (token !== undefined) {
        const page = await store.list('Application', { limit: 2, continueToken: token });
        assert.equal(page.resourceVersion, first.resourceVersion);
        rest.push(...page.items);
        token = page.continueToken;
      }
      assert.deepEqual(rest, made.slice(2));
      assert.deepEqual(names((await store.list('Application')).items), ['b', 'bb', 'd', 'e', 'f']);
    },
  },
  {
    name: 'a last page that is just full has no continue token; limits count what the labels select',
    async run(store) {
      for (const name of ['a', 'b', 'c', 'd']) {
        await store.create(object(name, { labels: { odd: String('ac'.includes(name)) } }));
      }
      const page = await store.list('Application', { limit: 4 });
      assert.equal(page.continueToken, undefined);
      const labels = { odd: 'true' };
      const first = await store.list('Application', { limit: 1, labels });
      assert.deepEqual(names(first.items), ['a']);
      assert.ok(first.continueToken);
      const last = await store.list('Application', { limit: 1, labels, continueToken: first.continueToken });
      assert.deepEqual(names(last.items), ['c']);
      assert.equal(last.continueToken, undefined);
    },
  },
  {
    name: 'a continue token that is foreign is badRequest; one that was compacted is gone',
    async run(store) {
      for (const name of ['a', 'b', 'c']) await store.create(object(name));
      const { continueToken = '' } = await store.list('Application', { limit: 1 });
      await refused('badRequest', store.list('Application', { continueToken: 'nonsense' }));
      await refused('badRequest', store.list('Secret', { continueToken }));
      await store.create(object('d'));
      await store.compact(await store.currentVersion());
      await refused('gone', store.list('Application', { continueToken }));
    },
  },
  {
    name: 'pages go on over a compaction that ends at their version',
    async run(store) {
      const made: Stored[] = [];
      for (const name of ['a', 'b', 'c']) made.push(await store.create(object(name)));
      made[2] = await store.update(spec(made[2] as Stored, { n: 1 }));
      const { continueToken = '', resourceVersion } = await store.list('Application', { limit: 1 });
      await store.delete(key('b'));
      await store.update(spec(made[2] as Stored, { n: 2 }));
      await store.compact(resourceVersion);
      const rest = await store.list('Application', { continueToken });
      assert.deepEqual(rest.items, made.slice(1));
    },
  },
  {
    name: 'watch gives every change of its kind after a version, in order, once',
    async run(store) {
      const a = await store.create(object('a'));
      const since = a.metadata.resourceVersion;
      await store.create(object('other', { kind: 'Secret' }));
      const b = await store.update(spec(a, { n: 1 }));
      await store.create(object('z', { metadata: { name: 'z', namespace: 'another' } }));
      await store.delete(key('a'));
      await store.create(object('a', { spec: { n: 2 } }));
      const all = await events(store, 4, { since });
      assert.deepEqual(brief(all), [
        'MODIFIED a {"n":1}',
        'ADDED z {"n":0}',
        'DELETED a {"n":1}',
        'ADDED a {"n":2}',
      ]);
      assert.deepEqual(all[0]?.object, b);
      assert.equal(
        compareVersions(all[2]?.object.metadata.resourceVersion ?? '', b.metadata.resourceVersion),
        1,
      );
      assert.deepEqual(brief(await events(store, 3, { since, namespace: 'default' })).length, 3);
      assert.deepEqual(brief(await events(store, 4, { since: '0' })).slice(0, 2), [
        'ADDED a {"n":0}',
        'MODIFIED a {"n":1}',
      ]);
    },
  },
  {
    name: 'a watch without a version begins with the call, not with the first read',
    async run(store) {
      await store.create(object('before'));
      const watch = store.watch<ApiObject>('Application', { signal: AbortSignal.timeout(10_000) });
      await store.create(object('after'));
      for await (const event of watch) {
        assert.equal(event.object.metadata.name, 'after');
        break;
      }
    },
  },
  {
    name: 'a watch wakes for later writes, and a write inside it is seen by it',
    async run(store) {
      const watch = store.watch<ApiObject>('Application', { signal: AbortSignal.timeout(10_000) });
      const seen: string[] = [];
      const reading = (async () => {
        for await (const event of watch) {
          seen.push(event.object.metadata.name);
          if (seen.length < 20) await store.create(object(`o${seen.length}`));
          else return;
        }
      })();
      await store.create(object('o0'));
      await reading;
      assert.deepEqual(
        seen,
        Array.from({ length: 20 }, (_, i) => `o${i}`),
      );
    },
  },
  {
    name: 'every watch sees every change, also when hundreds are written at once',
    async run(store) {
      const since = await store.currentVersion();
      const wanted = Array.from({ length: 350 }, (_, i) => `o${String(i).padStart(3, '0')}`);
      const watching = [
        events(store, 350, { since }),
        events(store, 350, { since }),
        events(store, 350, { since }),
      ];
      await Promise.all(wanted.map((name) => store.create(object(name))));
      for (const seen of await Promise.all(watching)) {
        assert.deepEqual(seen.map((e) => e.object.metadata.name).sort(), wanted);
        const versions = seen.map((e) => Number(e.object.metadata.resourceVersion));
        assert.deepEqual(
          versions,
          versions.toSorted((x, y) => x - y),
        );
      }
    },
  },
  {
    name: 'list and watch from its version leave no gap and no double under concurrent writes',
    async run(store) {
      const writing = (async () => {
        for (let i = 0; i < 60; i++) await store.create(object(`w${i}`));
      })();
      await store.create(object('first'));
      const list = await store.list('Application');
      await writing;
      const missing = 61 - list.items.length;
      const seen = await events(store, missing, { since: list.resourceVersion });
      const union = [...names(list.items), ...seen.map((e) => e.object.metadata.name)];
      assert.equal(new Set(union).size, 61);
      assert.equal(union.length, 61);
    },
  },
  {
    name: 'a watch by labels sees objects come and go as their labels change',
    async run(store) {
      const since = await store.currentVersion();
      const on = { on: 'yes' };
      const a = await store.create(object('a'));
      const b = await store.update(meta(a, { labels: on }));
      const c = await store.update(spec(b, { n: 1 }));
      const d = await store.update(meta(c, { labels: {} }));
      const e = await store.update(meta(d, { labels: on }));
      await store.delete(key('a'), { uid: e.metadata.uid });
      await store.create(object('b', { labels: on }));
      assert.deepEqual(
        (await events(store, 6, { since, labels: on })).map((x) => `${x.type} ${x.object.metadata.name}`),
        ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED a', 'DELETED a', 'ADDED b'],
      );
    },
  },
  {
    name: 'a watch from a compacted version is gone; objects and later changes stay',
    async run(store) {
      const a = await store.create(object('a'));
      await store.update(spec(a, { n: 1 }));
      await store.delete(key('a'));
      const b = await store.create(object('b'));
      await store.compact(b.metadata.resourceVersion);
      await refused('gone', events(store, 1, { since: a.metadata.resourceVersion }));
      assert.deepEqual(names((await store.list('Application')).items), ['b']);
      const c = await store.update(spec(b, { n: 1 }));
      const seen = await events(store, 1, { since: b.metadata.resourceVersion });
      assert.deepEqual(seen[0]?.object, c);
    },
  },
  {
    name: 'a watch that reads too slowly ends with gone, never with a gap',
    async run(store) {
      const since = await store.currentVersion();
      for (let i = 0; i < 250; i++) await store.create(object(`o${i}`));
      const seen: string[] = [];
      const reading = (async () => {
        const signal = AbortSignal.timeout(10_000);
        for await (const event of store.watch<ApiObject>('Application', { since, signal })) {
          seen.push(event.object.metadata.name);
          if (seen.length === 1) await store.compact(await store.currentVersion());
        }
      })();
      await refused('gone', reading);
      assert.deepEqual(
        seen,
        seen.map((_, i) => `o${i}`),
      );
    },
  },
  {
    name: 'a deletion is not forgotten as a version: none is used twice after compaction',
    async run(store) {
      await store.create(object('a'));
      const last = await store.delete(key('a'));
      await store.compact(await store.currentVersion());
      const b = await store.create(object('b'));
      assert.equal(compareVersions(b.metadata.resourceVersion, last?.metadata.resourceVersion ?? ''), 1);
    },
  },
  {
    name: 'a version ahead of the store is gone, nonsense is badRequest',
    async run(store) {
      await refused('gone', events(store, 1, { since: '123456' }));
      await refused('badRequest', events(store, 1, { since: 'abc' }));
    },
  },
  {
    name: 'an aborted watch ends without an error, also while it waits',
    async run(store) {
      const controller = new AbortController();
      const waiting = (async () => {
        for await (const _ of store.watch('Application', { signal: controller.signal })) assert.fail();
      })();
      await store.create(object('other', { kind: 'Secret' }));
      controller.abort();
      await waiting;
      for await (const _ of store.watch('Application', { since: '0', signal: controller.signal }))
        assert.fail();
    },
  },
  {
    name: 'a closed store refuses everything with unavailable and ends its watches so',
    async run(store) {
      const waiting = events(store, 1, {});
      const ended = refused('unavailable', waiting);
      await store.close();
      await ended;
      await refused('unavailable', store.get(key('a')));
      await refused('unavailable', store.create(object('a')));
      await refused('unavailable', store.list('Application'));
      await store.close();
    },
  },
];
