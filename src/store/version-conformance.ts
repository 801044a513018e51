import assert from 'node:assert/strict';
import type { ApiObject } from '../api/meta.ts';
import { type ConformanceCase, events, key, names, object, refused, spec } from './base-conformance.ts';
import { compareVersions } from './store.ts';

/** Versions over time: they rise, are compacted, never used twice; and the end of a store. */
export const versionConformance: readonly ConformanceCase[] = [
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
