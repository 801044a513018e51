import { describe, expect, it } from 'vitest';
import type { Instruction } from '../../../src/api/plan.ts';
import { eventually } from '../../support/eventually.ts';
import { executionSpec, FULL, shiftInstructions, ZERO } from '../../support/execution-orders.ts';
import { withBench, withFirstVersion } from './harness.ts';

const back: Instruction[] = [
  { id: 'drain-new', needs: [], type: 'drain', side: 'to', workload: 'shop', replicas: ZERO },
  { id: 'remove-new', needs: ['drain-new'], type: 'removeWorkload', side: 'to', workload: 'shop' },
];

describe('epochs', () => {
  it('a higher one ends what runs at a lower one, then begins (INV-20)', () =>
    withBench(async (bench) => {
      await bench.agent();
      await withFirstVersion(bench);
      bench.cluster.behave('shop-r2', { startMs: Number.POSITIVE_INFINITY });
      const forward = await bench.order(executionSpec(shiftInstructions(FULL, ZERO)));
      await eventually('it runs', async () => (await bench.status(forward))?.phase === 'Running');
      const turned = await bench.order(executionSpec(back, { epoch: 2, sequence: 1 }));
      const [first, second] = [await bench.ended(forward), await bench.ended(turned)];
      expect(first.phase).toBe('Cancelled');
      expect(second.phase).toBe('Succeeded');
      expect(Date.parse(first.endedAt ?? '')).toBeLessThanOrEqual(
        Date.parse(second.instructions[0]?.startedAt ?? ''),
      );
    }));

  it('a release that has moved on cancels its running order before the next one is made', () =>
    withBench(async (bench) => {
      await bench.agent();
      await withFirstVersion(bench);
      bench.cluster.behave('shop-r2', { startMs: Number.POSITIVE_INFINITY });
      await bench.release('shop-local-r2', { phase: 'Progressing', epoch: 1 });
      const forward = await bench.order(executionSpec(shiftInstructions(FULL, ZERO)));
      await eventually('it runs', async () => (await bench.status(forward))?.phase === 'Running');
      await bench.release('shop-local-r2', { phase: 'Aborting', epoch: 2 });
      expect((await bench.ended(forward)).phase).toBe('Cancelled');
    }));

  it('an order that was not sent before the abort is never sent', () =>
    withBench(async (bench) => {
      await bench.release('shop-local-r2', { phase: 'Progressing', epoch: 1 });
      const forward = await bench.order(executionSpec(shiftInstructions(FULL, ZERO)));
      await bench.release('shop-local-r2', { phase: 'Aborting', epoch: 2 });
      await bench.agent();
      expect((await bench.ended(forward)).phase).toBe('Cancelled');
      expect(bench.cluster.events).toEqual([]);
    }));

  it('a step waits until the one before it is stored as done (INV-15)', () =>
    withBench(async (bench) => {
      await bench.agent();
      await withFirstVersion(bench);
      bench.cluster.behave('shop-r2', { startMs: 100 });
      const [ensure, ready] = shiftInstructions(FULL, ZERO);
      const one = await bench.order(executionSpec([ensure as Instruction, ready as Instruction]));
      const two = await bench.order(
        executionSpec([{ ...back[0], id: 'drain', side: 'to' } as Instruction], { sequence: 2 }),
      );
      const [first, second] = [await bench.ended(one), await bench.ended(two)];
      expect([first.phase, second.phase]).toEqual(['Succeeded', 'Succeeded']);
      expect(Date.parse(second.acceptedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(first.endedAt ?? ''));
    }));

  it('an order of another version of Slipway is left alone (INV-16)', () =>
    withBench(async (bench) => {
      await bench.agent();
      const other = await bench.order(
        executionSpec(shiftInstructions(FULL, ZERO), { slipwayVersion: '9.9.9' }),
        'other',
      );
      await withFirstVersion(bench, 1);
      expect(await bench.status(other)).toBeUndefined();
    }));

  it('an instruction of an unknown type is refused by name (INV-19)', () =>
    withBench(async (bench) => {
      await bench.agent();
      const spec = executionSpec([{ id: 'x', needs: [], type: 'levitate' } as unknown as Instruction]);
      const status = await bench.ended(await bench.order(spec));
      expect(status.phase).toBe('Refused');
      expect(status.failure?.message).toMatch(/instructions\.0\.type.*INV-19/);
    }));

  it('an order that names what is not in the revision is refused', () =>
    withBench(async (bench) => {
      await bench.agent();
      const spec = executionSpec(
        [{ id: 'x', needs: [], type: 'ensureWorkload', side: 'to', workload: 'nope', replicas: FULL }],
        { replicas: { nope: 1 } },
      );
      const status = await bench.ended(await bench.order(spec));
      expect(status.failure?.message).toMatch(/instruction x: the revision has no workload nope/);
    }));
});
