import assert from 'node:assert/strict';
import { API_VERSION, type Stored } from '../api/meta.ts';
import { isSlipwayError } from '../lib/errors.ts';
import { type ConformanceCase, events, key, meta, object, refused, spec } from './base-conformance.ts';
import { MAX_OBJECT_BYTES } from './document.ts';

/** Create, update and delete of one object: compare-and-set, and who sets what. */
export const writeConformance: readonly ConformanceCase[] = [
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
];
