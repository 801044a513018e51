import assert from 'node:assert/strict';
import { type AdapterCase, type Bench, refused, rejected } from './base-conformance.ts';

async function both(bench: Bench, replicas = 1): Promise<void> {
  await Promise.all([bench.want('r1', replicas), bench.want('r2', replicas)]);
  await Promise.all([bench.serving('r1', replicas), bench.serving('r2', replicas)]);
}

/** Writes of traffic: which are refused, and what the accepted ones do. */
export const trafficConformance: readonly AdapterCase[] = [
  {
    name: 'weights are whole numbers that sum to 100, or nothing is written (INV-2)',
    async run(bench) {
      await both(bench);
      await bench.flip({ r1: 100 });
      const wrong: Record<string, number>[] = [
        { r1: 99 },
        {},
        { r1: 0 },
        { r1: 60, r2: 41 },
        { r1: 50.5, r2: 49.5 },
        { r1: 120, r2: -20 },
      ];
      for (const weights of wrong) refused(await bench.traffic(weights), /INV-2/);
      assert.deepEqual((await bench.router.traffic(bench.service))?.weights, { [bench.version('r1')]: 100 });
      assert.deepEqual(await bench.answers(5), new Set([bench.version('r1')]));
    },
  },
  {
    name: 'a version without a proven instance gets no share (INV-1)',
    async run(bench) {
      refused(await bench.traffic({ r1: 100 }), /INV-1/);
      assert.equal(await bench.router.traffic(bench.service), undefined);
      await bench.want('r1', 1);
      await bench.serving('r1', 1);
      await bench.flip({ r1: 100 });
      await bench.want('r2', 1, { behaviour: 'neverReady' });
      refused(await bench.traffic({ r1: 99, r2: 1 }), /INV-1/);
      assert.deepEqual((await bench.router.traffic(bench.service))?.weights, { [bench.version('r1')]: 100 });
    },
  },
  {
    name: 'a version gets no more than its proven instances carry, and the way back is open (INV-1, INV-7)',
    async run(bench) {
      await bench.want('r1', 2);
      await bench.want('r2', 1);
      await Promise.all([bench.serving('r1', 2), bench.serving('r2', 1)]);
      await bench.flip({ r1: 100 });
      await bench.want('r2', 2, { behaviour: 'neverReady' });
      refused(await bench.traffic({ r2: 100 }), /INV-1/);
      await bench.flip({ r1: 67, r2: 33 });
      await bench.flip({ r1: 100 });
    },
  },
  {
    name: 'a write of an order that was overtaken is refused as a result (INV-12)',
    async run(bench) {
      await both(bench);
      const at = (epoch: number, sequence: number, weights: Record<string, number>) =>
        bench.traffic(weights, { fence: bench.fence({ epoch, sequence }) });
      assert.ok((await at(3, 2, { r1: 100 })).ok);
      refused(await at(2, 9, { r2: 100 }), /INV-12/);
      refused(await at(3, 1, { r2: 100 }), /INV-12/);
      assert.deepEqual(await bench.answers(3), new Set([bench.version('r1')]));
      assert.ok((await at(3, 3, { r2: 100 })).ok);
      assert.ok((await at(4, 1, { r1: 100 })).ok);
      assert.deepEqual(await bench.answers(3), new Set([bench.version('r1')]));
    },
  },
  {
    name: 'every request that starts after the answer follows it, and generations rise',
    async run(bench) {
      await both(bench);
      const generations: number[] = [];
      for (const revision of ['r1', 'r2', 'r1']) {
        const written = await bench.traffic({ [revision]: 100 });
        assert.ok(written.ok);
        assert.ok(written.flipMs >= 0 && Number.isFinite(Date.parse(written.at)));
        generations.push(written.generation);
        assert.deepEqual(await bench.answers(10), new Set([bench.version(revision)]));
      }
      assert.deepEqual(
        generations,
        [...new Set(generations)].toSorted((a, b) => a - b),
      );
      assert.deepEqual((await bench.router.traffic(bench.service))?.weights, { [bench.version('r1')]: 100 });
    },
  },
  {
    name: 'requests are shared by weight',
    async run(bench) {
      await both(bench);
      await bench.flip({ r1: 50, r2: 50 });
      assert.deepEqual(await bench.answers(40), new Set([bench.version('r1'), bench.version('r2')]));
    },
  },
  {
    name: 'a write that is repeated is accepted and changes nothing',
    async run(bench) {
      await both(bench);
      const fence = bench.fence();
      const [first, second] = [
        await bench.traffic({ r1: 100 }, { fence }),
        await bench.traffic({ r1: 100 }, { fence }),
      ];
      assert.ok(first.ok && second.ok);
      assert.ok(second.generation >= first.generation);
      assert.deepEqual(await bench.answers(3), new Set([bench.version('r1')]));
    },
  },
  {
    name: 'a route that leads to another service is not taken from it',
    async run(bench) {
      await bench.want('r1', 1);
      await bench.serving('r1', 1);
      await bench.flip({ r1: 100 });
      const other = `${bench.service.workload}-b`;
      const version = `${other}-r1`;
      const wish = bench.wish('r1', 1);
      await bench.driver.setWorkload({
        ...wish,
        key: { ...wish.key, workload: other, version },
        spec: { ...wish.spec, name: other },
      });
      await bench.adapter.until('the other serves', async () =>
        (await bench.driver.observe({ ...wish.key, workload: other, version }))?.proven === 1
          ? true
          : undefined,
      );
      const service = { ...bench.service, workload: other };
      refused(await bench.traffic({}, { service, weights: { [version]: 100 } }), /belongs to/);
      assert.deepEqual(await bench.answers(3), new Set([bench.version('r1')]));
    },
  },
  {
    name: 'a service that is removed answers nobody, and may come back',
    async run(bench) {
      await bench.want('r1', 1);
      await bench.serving('r1', 1);
      await bench.router.removeService(bench.service, bench.fence({ epoch: 2 }));
      assert.ok((await bench.traffic({ r1: 100 }, { fence: bench.fence({ epoch: 2 }) })).ok);
      await rejected('refused', bench.router.removeService(bench.service, bench.fence({ epoch: 1 })));
      assert.deepEqual(await bench.answers(3), new Set([bench.version('r1')]));
      await bench.router.removeService(bench.service, bench.fence({ epoch: 2 }));
      assert.equal(await bench.router.traffic(bench.service), undefined);
      assert.deepEqual(await bench.answers(3), new Set([null]));
      await bench.router.removeService(bench.service, bench.fence({ epoch: 2 }));
      assert.ok((await bench.traffic({ r1: 100 }, { fence: bench.fence({ epoch: 2 }) })).ok);
      assert.deepEqual(await bench.answers(3), new Set([bench.version('r1')]));
    },
  },
];
