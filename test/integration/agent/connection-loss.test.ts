import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { executionSpec, FULL, SERVICE, shiftInstructions, ZERO } from '../../support/execution-orders.ts';
import { faultyDial } from './faults.ts';
import { type Bench, withBench, withFirstVersion } from './harness.ts';

const shift = () => executionSpec(shiftInstructions(FULL, ZERO, { remove: true }));

/** One effect of each order, however often it was told (INV-14). */
function expectOneEffect(bench: Bench): void {
  const { events } = bench.cluster;
  expect(events.filter((event) => event.type === 'started' && event.version === 'shop-r2')).toHaveLength(6);
  expect(bench.cluster.weights(SERVICE)).toEqual({ 'shop-r2': 100 });
}

describe('a connection that is lost', () => {
  it('at any one frame delays the release and changes nothing else', async () => {
    // Frames of a run without a fault: each of them is lost once, in a run of its own.
    const frames = await run(() => false);
    expect(frames).toBeGreaterThan(10);
    for (let lost = 1; lost <= frames; lost += 1) await run((frame) => frame === lost);
  }, 60_000);

  it('at every fifth frame still ends in the same state', () => run((frame) => frame % 5 === 0), 20_000);

  async function run(breakAt: (frame: number) => boolean): Promise<number> {
    let frames = 0;
    await withBench(async (bench) => {
      const first = await bench.agent();
      await withFirstVersion(bench);
      await first.stop();
      bench.cluster.events.length = 0;
      const dial = faultyDial(bench.dial, { breakAt });
      await bench.agent({ dial });
      const { phase } = await bench.ended(await bench.order(shift()));
      frames = dial.frames();
      expect(phase).toBe('Succeeded');
      expectOneEffect(bench);
    });
    return frames;
  }
});

describe('frames that come twice', () => {
  it('have the effect of one', () =>
    withBench(async (bench) => {
      const first = await bench.agent();
      await withFirstVersion(bench);
      await first.stop();
      bench.cluster.events.length = 0;
      const twice = (direction: string, text: string) =>
        // A second hello is a protocol error of its own.
        direction === 'out' && text.includes('"hello"') ? 1 : 3;
      await bench.agent({ dial: faultyDial(bench.dial, { copies: twice }) });
      const { phase } = await bench.ended(await bench.order(shift()));
      expect(phase).toBe('Succeeded');
      expectOneEffect(bench);
    }));
});

describe('a manager that restarts', () => {
  it('finds the execution as the agent has it', () =>
    withBench(async (bench) => {
      await bench.agent();
      await withFirstVersion(bench);
      bench.cluster.events.length = 0;
      bench.cluster.behave('shop-r2', { startMs: 150 });
      const name = await bench.order(shift());
      await eventually('it runs', async () => (await bench.status(name))?.phase === 'Running');
      await bench.restartManager();
      expect((await bench.ended(name)).phase).toBe('Succeeded');
      expectOneEffect(bench);
    }));
});

describe('an agent that is cut off (INV-23)', () => {
  it(
    'starts nothing new after its lease, leaves traffic as it is, and goes on when it is connected',
    () =>
      withBench(async (bench) => {
        const first = await bench.agent();
        await withFirstVersion(bench);
        await first.stop();
        let cut = false;
        const dial = faultyDial(bench.dial, { breakAt: () => cut });
        bench.cluster.behave('shop-r2', { startMs: 1_200 });
        await bench.agent({ dial });
        const name = await bench.order(shift());
        await eventually(
          'instances start',
          () => bench.cluster.events.filter((event) => event.type === 'started').length === 12,
        );
        cut = true;
        // What runs may finish: the new instances get ready. What would begin then does not.
        await eventually('they are ready', () => bench.cluster.serving('shop-r2') === 6);
        await expect(
          eventually('traffic moves', () => bench.cluster.weights(SERVICE)['shop-r2'] === 100, {
            timeoutMs: 700,
          }),
        ).rejects.toThrow(/waited/);
        expect(bench.cluster.weights(SERVICE)).toEqual({ 'shop-r1': 100 });
        cut = false;
        expect((await bench.ended(name)).phase).toBe('Succeeded');
      }),
    20_000,
  );
});
