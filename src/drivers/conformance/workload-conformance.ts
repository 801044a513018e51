import assert from 'node:assert/strict';
import type { WorkloadKey } from '../cluster-driver.ts';
import { type AdapterCase, ids, rejected } from './base-conformance.ts';

/** Wishes: what they bring, what they leave alone, and who hears of it. */
export const workloadConformance: readonly AdapterCase[] = [
  {
    name: 'a wish is observed at once, and becomes instances that are ready, proven and admitted',
    async run(bench) {
      assert.equal(await bench.driver.observe(bench.key('r1')), undefined);
      await bench.want('r1', 3);
      const first = await bench.driver.observe(bench.key('r1'));
      assert.equal(first?.wanted, 3);
      assert.deepEqual(first?.key, bench.key('r1'));
      const seen = await bench.serving('r1', 3);
      assert.deepEqual(
        seen.instances.map(({ state, restarts }) => [state, restarts]),
        Array(3).fill(['ready', 0]),
      );
      assert.equal(new Set(ids(seen)).size, 3);
      assert.equal(new Set(seen.instances.map(({ port }) => port)).size, 3);
      assert.equal(seen.retiring, 0);
      assert.equal(seen.problem, null);
      assert.deepEqual(seen.drains, []);
    },
  },
  {
    name: 'a larger wish starts what is missing, a smaller one retires the surplus, the rest stays',
    async run(bench) {
      await bench.want('r1', 1);
      const one = await bench.serving('r1', 1);
      await bench.want('r1', 3);
      const three = await bench.serving('r1', 3);
      assert.ok(ids(three).includes(ids(one)[0] ?? ''));
      await bench.want('r1', 2);
      const two = await bench.serving('r1', 2);
      assert.ok(ids(two).every((id) => ids(three).includes(id)));
      assert.equal(two.drains.length, 1);
    },
  },
  {
    name: 'the surplus that goes is what does not serve (INV-7)',
    async run(bench) {
      await bench.want('r1', 1);
      const good = await bench.serving('r1', 1);
      await bench.want('r1', 2, { behaviour: 'neverReady' });
      await bench.seen('r1', 'two are there', ({ instances }) => instances.length === 2);
      await bench.want('r1', 1);
      assert.deepEqual(ids(await bench.serving('r1', 1)), ids(good));
    },
  },
  {
    name: 'a wish that is repeated changes nothing',
    async run(bench) {
      await bench.want('r1', 2);
      const before = await bench.serving('r1', 2);
      const wish = bench.wish('r1', 2);
      await Promise.all([bench.driver.setWorkload(wish), bench.driver.setWorkload(wish)]);
      await bench.driver.setWorkload(wish);
      const after = await bench.serving('r1', 2);
      assert.deepEqual(ids(after), ids(before));
      assert.deepEqual(after.drains, []);
    },
  },
  {
    name: 'a wish for none leaves a workload without instances, which is listed until it is removed',
    async run(bench) {
      const listed = async () =>
        (await bench.driver.list()).filter(({ key }) => key.version === bench.version('r1'));
      assert.deepEqual(await listed(), []);
      await bench.want('r1', 1);
      await bench.serving('r1', 1);
      assert.deepEqual(
        (await listed()).map(({ key, ready }) => [key, ready]),
        [[bench.key('r1'), 1]],
      );
      await bench.want('r1', 0);
      const seen = await bench.empty('r1');
      assert.deepEqual([seen.wanted, seen.retiring, seen.drains.length], [0, 0, 1]);
      assert.equal((await listed()).length, 1);
      await bench.driver.removeWorkload(bench.key('r1'));
      await bench.forgotten('r1');
      assert.deepEqual(await listed(), []);
      await bench.driver.removeWorkload(bench.key('r1'));
    },
  },
  {
    name: 'a workload that is being removed comes back by a new wish',
    async run(bench) {
      await bench.want('r1', 2);
      await bench.serving('r1', 2);
      await bench.driver.removeWorkload(bench.key('r1'));
      assert.equal((await bench.driver.observe(bench.key('r1')))?.wanted, 0);
      await bench.want('r1', 2);
      assert.equal((await bench.serving('r1', 2)).wanted, 2);
    },
  },
  {
    name: 'what weights name is neither taken to nothing nor removed (INV-5)',
    async run(bench) {
      await bench.want('r1', 2);
      await bench.serving('r1', 2);
      await bench.flip({ r1: 100 });
      await rejected('refused', bench.want('r1', 0));
      await rejected('refused', bench.driver.removeWorkload(bench.key('r1')));
      assert.equal((await bench.driver.observe(bench.key('r1')))?.wanted, 2);
      await bench.want('r1', 1);
      await bench.serving('r1', 1);
    },
  },
  {
    name: 'a wish of a lower epoch of its subject is refused, and changes nothing (INV-12)',
    async run(bench) {
      await bench.want('r1', 1, { fence: { epoch: 5 } });
      await rejected('refused', bench.want('r1', 2, { fence: { epoch: 4 } }));
      await rejected('refused', bench.want('r2', 1, { fence: { epoch: 4 } }));
      assert.equal((await bench.driver.observe(bench.key('r1')))?.wanted, 1);
      assert.equal(await bench.driver.observe(bench.key('r2')), undefined);
      await bench.want('r1', 2, { fence: { epoch: 5 } });
      const other = `track/${bench.service.workload}`;
      await bench.want('r1', 3, { fence: { subject: other, epoch: 1 } });
      assert.equal((await bench.driver.observe(bench.key('r1')))?.wanted, 3);
    },
  },
  {
    name: 'whoever looks only when onChange calls misses no edge, and hears nothing once disposed',
    async run(bench) {
      const heard: WorkloadKey[] = [];
      const edges = ['proven', 'retiring', 'empty'].map((name) => ({ name, met: false }));
      const look = async () => {
        const seen = await bench.driver.observe(bench.key('r1'));
        const next = edges.find(({ met }) => !met);
        if (next?.name === 'proven') next.met = seen?.instances.some(({ admitted }) => admitted) === true;
        if (next?.name === 'retiring') next.met = seen?.retiring === 1;
        if (next?.name === 'empty') next.met = seen?.instances.length === 0;
      };
      const listening = bench.driver.onChange((key) => {
        if (key.version !== bench.version('r1')) return;
        heard.push(key);
        void look();
      });
      const met = (name: string) =>
        bench.adapter.until(`a call leads to "${name}"`, () =>
          edges.find((edge) => edge.name === name)?.met === true ? true : undefined,
        );
      await bench.want('r1', 1);
      await met('proven');
      await bench.want('r1', 0);
      await met('retiring');
      await met('empty');
      assert.deepEqual(heard[0], bench.key('r1'));
      listening[Symbol.dispose]();
      const calls = heard.length;
      await bench.want('r1', 1);
      await bench.serving('r1', 1);
      assert.equal(heard.length, calls);
    },
  },
];
