import assert from 'node:assert/strict';
import { type AdapterCase, ids, refused, rejected } from './base-conformance.ts';

/** The adapter's process ends and another one begins: nothing but the process is another. */
export const adoptionConformance: readonly AdapterCase[] = [
  {
    name: 'a new adapter sees the same instances and the same traffic, and requests never notice',
    async run(bench) {
      await bench.want('r1', 2);
      await bench.want('r2', 1);
      const before = await bench.serving('r1', 2);
      await bench.serving('r2', 1);
      await bench.flip({ r1: 100 });
      await bench.answers(3);
      const totals = await bench.router.totals(bench.service);
      const written = await bench.router.traffic(bench.service);
      await bench.adapter.restartAdapter(async () => {
        assert.deepEqual(await bench.answers(3), new Set([bench.version('r1')]));
      });
      assert.deepEqual(
        (await bench.driver.list()).map(({ key, wanted }) => [key.version, wanted]).toSorted(),
        [
          [bench.version('r1'), 2],
          [bench.version('r2'), 1],
        ],
      );
      const after = await bench.serving('r1', 2);
      assert.deepEqual(ids(after), ids(before));
      assert.deepEqual(
        after.instances.map(({ restarts }) => restarts),
        [0, 0],
      );
      assert.deepEqual(await bench.router.traffic(bench.service), written);
      assert.deepEqual(await bench.answers(3), new Set([bench.version('r1')]));
      const later = await bench.router.totals(bench.service);
      assert.equal(later?.requests, (totals?.requests ?? 0) + 6);
      assert.equal(later?.failed, 0);
    },
  },
  {
    name: 'fences and generations outlive the adapter (INV-12)',
    async run(bench) {
      await bench.want('r1', 1, { fence: { epoch: 3 } });
      await bench.serving('r1', 1);
      const first = await bench.traffic({ r1: 100 }, { fence: bench.fence({ epoch: 3 }) });
      assert.ok(first.ok);
      await bench.adapter.restartAdapter();
      await rejected('refused', bench.want('r1', 2, { fence: { epoch: 2 } }));
      refused(await bench.traffic({ r1: 100 }, { fence: bench.fence({ epoch: 2 }) }), /INV-12/);
      await rejected('refused', bench.router.removeService(bench.service, bench.fence({ epoch: 2 })));
      await bench.serving('r1', 1);
      const next = await bench.traffic({ r1: 100 }, { fence: bench.fence({ epoch: 3 }) });
      assert.ok(next.ok && next.generation >= first.generation);
    },
  },
  {
    name: 'a drain goes on under the next adapter',
    async run(bench) {
      await bench.want('r1', 1);
      await bench.want('r2', 1);
      await Promise.all([bench.serving('r1', 1), bench.serving('r2', 1)]);
      await bench.flip({ r1: 100 });
      const held = await bench.adapter.hold('request');
      await bench.flip({ r2: 100 });
      await bench.want('r1', 0);
      await bench.seen('r1', 'retires', ({ retiring }) => retiring === 1);
      await bench.adapter.restartAdapter();
      assert.equal((await bench.driver.observe(bench.key('r1')))?.retiring, 1);
      assert.deepEqual(await bench.answers(3), new Set([bench.version('r2')]));
      await held.letGo();
      assert.equal(await held.outcome, 'answered');
      const { drains } = await bench.empty('r1');
      assert.deepEqual(
        drains.map(({ requests, cut }) => [requests, cut]),
        [[1, 0]],
      );
    },
  },
  {
    name: 'an instance that died while nobody looked is replaced',
    async run(bench) {
      await bench.want('r1', 2);
      const before = await bench.serving('r1', 2);
      const [dead = '', other = ''] = ids(before);
      await bench.adapter.restartAdapter(() => bench.adapter.killInstance(dead));
      const after = await bench.seen(
        'r1',
        'the dead one is replaced',
        (seen) => seen.proven === 2 && seen.instances.length === 2 && !ids(seen).includes(dead),
      );
      assert.ok(ids(after).includes(other));
    },
  },
  {
    name: 'a job that ran is not run again by the next adapter',
    async run(bench) {
      await bench.want('r1', 1, { behaviour: 'jobThatFails' });
      const ended = await bench.seen('r1', 'ended', (seen) => seen.instances[0]?.state === 'exited');
      await bench.adapter.restartAdapter();
      await bench.want('r1', 1, { behaviour: 'jobThatFails' });
      const after = await bench.seen('r1', 'is there', ({ problem }) => problem !== null);
      assert.deepEqual(ids(after), ids(ended));
      assert.equal(after.instances[0]?.exitCode, 3);
      assert.deepEqual([after.problem?.reason, after.problem?.final], ['crashLoop', true]);
    },
  },
];
