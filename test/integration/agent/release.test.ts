import { describe, expect, it } from 'vitest';
import { executionSpec, FULL, SERVICE, shiftInstructions, ZERO } from '../../support/execution-orders.ts';
import { withBench, withFirstVersion } from './harness.ts';

describe('order → run → report', () => {
  it('carries a whole shift out and brings its evidence into the store', () =>
    withBench(async (bench) => {
      await bench.agent();
      await withFirstVersion(bench);
      const name = await bench.order(executionSpec(shiftInstructions(FULL, ZERO, { remove: true })));
      const status = await bench.ended(name);
      expect(status.failure).toBeNull();
      expect(status.phase).toBe('Succeeded');
      expect(status.instructions.map(({ id, state }) => [id, state])).toEqual(
        ['ensure', 'ready', 'prove-before', 'traffic', 'prove-after', 'drain', 'remove'].map((id) => [
          id,
          'done',
        ]),
      );
      const evidence = Object.fromEntries(status.instructions.map((i) => [i.id, i.evidence]));
      expect(evidence.traffic).toMatchObject({ flipMs: 0.3, weights: { 'shop-r2': 100 } });
      expect(evidence['prove-after']).toMatchObject({ ok: true, summary: '20/20, version header' });
      expect(evidence.drain).toMatchObject({ requests: 6, streams: 0, cut: 0 });
      expect(bench.cluster.weights(SERVICE)).toEqual({ 'shop-r2': 100 });
      expect(await bench.cluster.driver.list()).toHaveLength(1);
    }));
});
