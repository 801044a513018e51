import assert from 'node:assert/strict';
import type { Stored } from '../api/meta.ts';
import { type ConformanceCase, key, meta, object } from './base-conformance.ts';

/** What goes in comes out: unknown fields, odd text, copies of its own. */
export const contentConformance: readonly ConformanceCase[] = [
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
];
