import { expect, it } from 'vitest';
import { nodeFiles } from '../../../src/lib/files-node.ts';
import { executionSpec, FULL, SERVICE, shiftInstructions, ZERO } from '../../support/execution-orders.ts';
import { faultyDial, Mortal } from './faults.ts';
import { withBench, withFirstVersion } from './harness.ts';

/** Runs with other seeds, or more of them: `SLIPWAY_SEED=7 SLIPWAY_RUNS=200 vitest run …`. */
const SEED = Number(process.env.SLIPWAY_SEED ?? 1);
const RUNS = Number(process.env.SLIPWAY_RUNS ?? 10);

/** mulberry32: small, seeded, good enough to choose faults. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

it.each(Array.from({ length: RUNS }, (_, n) => SEED + n))(
  'any mix of kills, lost connections, repeated frames and errors ends in the same state: seed %i',
  { timeout: 60_000 },
  (seed) =>
    withBench(async (bench) => {
      const random = seeded(seed);
      const first = await bench.agent();
      await withFirstVersion(bench, 3);
      await first.stop();
      bench.cluster.events.length = 0;
      const name = await bench.order(
        executionSpec(shiftInstructions(FULL, ZERO, { remove: true }), { replicas: { shop: 3 } }),
      );
      const ended = bench.ended(name);
      let over = false;
      void ended.then(() => {
        over = true;
      });
      // Each life of the agent is cut short by a kill; a manager may restart in between.
      for (let life = 0; life < 5 && !over; life += 1) {
        const mortal = new Mortal({
          call: 1 + Math.floor(random() * 60),
          when: random() < 0.5 ? 'before' : 'after',
        });
        for (const operation of ['observe', 'setWorkload', 'setTraffic', 'traffic', 'totals'] as const) {
          if (random() < 0.3) bench.cluster.fail(operation, new Error(`${operation} is away`));
        }
        const dial = faultyDial(bench.dial, {
          breakAt: () => random() < 0.1,
          copies: (direction, text) =>
            direction === 'out' && text.includes('"hello"') ? 1 : 1 + Math.floor(random() * 2),
        });
        void bench
          .agent({
            unowned: true,
            driver: mortal.port(bench.cluster.driver),
            trafficRouter: mortal.port(bench.cluster.trafficRouter),
            files: mortal.port(nodeFiles()),
            dial: mortal.dial(dial),
          })
          .catch(() => {});
        await Promise.race([mortal.killed, ended]);
        mortal.kill();
        if (random() < 0.4) await bench.restartManager();
      }
      await bench.agent();
      const status = await ended;
      expect(status.failure).toBeNull();
      expect(status.phase).toBe('Succeeded');
      expect(bench.cluster.weights(SERVICE)).toEqual({ 'shop-r2': 100 });
      const started = bench.cluster.events.filter(({ type }) => type === 'started');
      expect(started).toHaveLength(3);
      expect((await bench.cluster.driver.list()).map(({ key }) => key.version)).toEqual(['shop-r2']);
      // Never less than whole behind the entry: old instances leave only after the traffic has.
      const kinds = bench.cluster.events.flatMap((event) =>
        event.type === 'traffic' || (event.type === 'wish' && event.version === 'shop-r1')
          ? [event.type]
          : [],
      );
      expect(kinds.indexOf('traffic')).toBeLessThan(kinds.indexOf('wish'));
    }),
);
