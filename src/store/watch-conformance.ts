import assert from 'node:assert/strict';
import type { ApiObject } from '../api/meta.ts';
import { brief, type ConformanceCase, events, key, meta, names, object, spec } from './base-conformance.ts';
import { compareVersions } from './store.ts';

/** Watches: every change, in order, once, from a version on. */
export const watchConformance: readonly ConformanceCase[] = [
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
];
