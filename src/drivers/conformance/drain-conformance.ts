import assert from 'node:assert/strict';
import { type AdapterCase, type Bench, ids, rejected } from './base-conformance.ts';

/** The first version serves, then the second has taken its place. */
async function replaced(bench: Bench, drain: object = {}): Promise<void> {
  const { drain: usual } = bench.adapter.spec(bench.version('r1'), 'good');
  await bench.want('r1', 1, { spec: { drain: { ...usual, ...drain } } });
  await bench.want('r2', 1);
  await Promise.all([bench.serving('r1', 1), bench.serving('r2', 1)]);
  await bench.flip({ r1: 100 });
}

/** Taking instances out of service (design section 6, "Retiring an instance"). */
export const drainConformance: readonly AdapterCase[] = [
  {
    name: 'an instance that goes gets nothing new, and what is inside it is answered before it ends',
    async run(bench) {
      await replaced(bench);
      const held = await bench.adapter.hold('request');
      await bench.flip({ r2: 100 });
      await bench.want('r1', 0);
      const seen = await bench.seen('r1', 'retires', ({ retiring }) => retiring === 1);
      assert.deepEqual([seen.ready, seen.proven, seen.instances.length], [0, 0, 1]);
      await bench.seen('r1', 'is out of the table', ({ instances }) => instances[0]?.admitted === false);
      assert.deepEqual(await bench.answers(10), new Set([bench.version('r2')]));
      await held.letGo();
      assert.equal(await held.outcome, 'answered');
      const { drains } = await bench.empty('r1');
      assert.deepEqual(
        drains.map(({ instance, requests, streams, cut }) => ({ instance, requests, streams, cut })),
        [{ instance: ids(seen)[0], requests: 1, streams: 0, cut: 0 }],
      );
      assert.equal((await bench.router.totals(bench.service))?.failed, 0);
    },
  },
  {
    name: 'a version that keeps its place is drained of an instance while the others serve',
    async run(bench) {
      await bench.want('r1', 2);
      await bench.serving('r1', 2);
      await bench.flip({ r1: 100 });
      await bench.want('r1', 1);
      assert.deepEqual(await bench.answers(10), new Set([bench.version('r1')]));
      await bench.serving('r1', 1);
      assert.equal((await bench.router.totals(bench.service))?.failed, 0);
    },
  },
  {
    name: 'a request that outlasts its caps is cut, and counted',
    async run(bench) {
      await replaced(bench, { timeout: '150ms', streamTimeout: '150ms', grace: '300ms' });
      const held = await bench.adapter.hold('request');
      await bench.flip({ r2: 100 });
      await bench.want('r1', 0);
      const { drains } = await bench.empty('r1');
      assert.deepEqual(
        drains.map(({ requests, cut }) => [requests, cut]),
        [[1, 1]],
      );
      assert.ok((drains[0]?.ms ?? 0) >= 150);
      assert.equal(await held.outcome, 'failed');
      const totals = await bench.adapter.until('the cut is counted', async () => {
        const seen = await bench.router.totals(bench.service);
        return seen?.failed === 1 ? seen : undefined;
      });
      assert.equal(totals.byVersion[bench.version('r1')]?.failed, 1);
    },
  },
  {
    name: 'streams hold nobody up: the application ends them when it is told to, and that is no failure',
    async run(bench) {
      await replaced(bench);
      const held = await bench.adapter.hold('stream');
      await bench.flip({ r2: 100 });
      await bench.want('r1', 0);
      assert.equal(await held.outcome, 'answered');
      const { drains } = await bench.empty('r1');
      assert.deepEqual(
        drains.map(({ requests, streams, cut }) => [requests, streams, cut]),
        [[0, 1, 0]],
      );
      assert.equal((await bench.router.totals(bench.service))?.failed, 0);
    },
  },
  {
    name: 'a restart replaces every instance, new before old, within its surge and never below its size',
    async run(bench) {
      await rejected('notFound', bench.driver.restartWorkload(bench.key('r1')));
      await bench.want('r1', 2);
      const before = await bench.serving('r1', 2);
      await bench.flip({ r1: 100 });
      await bench.driver.restartWorkload(bench.key('r1'));
      const old = new Set(ids(before));
      const seen = { least: 2, most: 2 };
      const after = await bench.seen('r1', 'two others', ({ instances }) => {
        const staying = instances.filter(({ state }) => state !== 'retiring' && state !== 'exited');
        seen.most = Math.max(seen.most, staying.length);
        seen.least = Math.min(seen.least, instances.filter(({ admitted }) => admitted).length);
        return instances.length === 2 && instances.every(({ id, admitted }) => admitted && !old.has(id));
      });
      assert.deepEqual(seen, { least: 2, most: 3 });
      assert.deepEqual(after.drains.map(({ instance }) => instance).toSorted(), ids(before));
      assert.equal(
        after.instances.reduce((sum, { restarts }) => sum + restarts, 0),
        0,
      );
      assert.deepEqual(await bench.answers(5), new Set([bench.version('r1')]));
      assert.equal((await bench.router.totals(bench.service))?.failed, 0);
    },
  },
];
