import assert from 'node:assert/strict';
import type { Stored } from '../api/meta.ts';
import { type ConformanceCase, key, names, object, refused, spec } from './base-conformance.ts';

/** Lists: order, selection, and pages of one state. */
export const listConformance: readonly ConformanceCase[] = [
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
];
