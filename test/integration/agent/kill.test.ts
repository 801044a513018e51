import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExecutionSpec, ExecutionStatus } from '../../../src/api/execution.ts';
import { nodeFiles } from '../../../src/lib/files-node.ts';
import { eventually } from '../../support/eventually.ts';
import {
  executionSpec,
  FULL,
  pinned,
  revision,
  SERVICE,
  shiftInstructions,
  ZERO,
} from '../../support/execution-orders.ts';
import { Mortal } from './faults.ts';
import { type Bench, withBench, withFirstVersion } from './harness.ts';

const mortalAgent = (bench: Bench, mortal: Mortal) =>
  bench.agent({
    driver: mortal.port(bench.cluster.driver),
    trafficRouter: mortal.port(bench.cluster.trafficRouter),
    files: mortal.port(nodeFiles()),
    dial: mortal.dial(bench.dial),
  });

/**
 * Runs the order on an agent that is killed at one call of its ports, then on a new one over the same
 * journal. A killed agent's `stop` would wait for ever for calls that never return, so it is not stopped.
 */
async function runKilled(
  bench: Bench,
  spec: ExecutionSpec,
  at: { call: number; when: 'before' | 'after' },
): Promise<{ status: ExecutionStatus; wasKilled: boolean }> {
  const mortal = new Mortal(at);
  const starting = mortalAgent(
    { ...bench, agent: (more) => bench.agent({ ...more, unowned: true }) },
    mortal,
  );
  starting.catch(() => {});
  const name = await bench.order(spec);
  const ended = bench.ended(name);
  await Promise.race([mortal.killed, ended]);
  const wasKilled = mortal.isDead;
  mortal.kill();
  await bench.agent();
  return { status: await bench.ended(name), wasKilled };
}

describe('an agent that is killed', () => {
  it('before or after any call of its ports, goes on where it was', async () => {
    let call = 1;
    for (let killed = true; killed; call += 1) {
      for (const when of ['before', 'after'] as const) {
        await withBench(async (bench) => {
          const first = await bench.agent();
          await withFirstVersion(bench, 2);
          await first.stop();
          bench.cluster.events.length = 0;
          const spec = executionSpec(shiftInstructions(FULL, ZERO, { remove: true }), {
            replicas: { shop: 2 },
          });
          const { status, wasKilled } = await runKilled(bench, spec, { call, when });
          killed = wasKilled;
          expect(status.phase, `killed ${when} call ${call}`).toBe('Succeeded');
          expect(bench.cluster.weights(SERVICE)).toEqual({ 'shop-r2': 100 });
          const started = bench.cluster.events.filter(
            (event) => event.type === 'started' && event.version === 'shop-r2',
          );
          expect(started, `killed ${when} call ${call}`).toHaveLength(2);
          // Traffic never went anywhere but forward (INV-7): r1 was not taken down before.
          const order = bench.cluster.events.flatMap((event) =>
            event.type === 'traffic' || (event.type === 'wish' && event.version === 'shop-r1')
              ? [event.type]
              : [],
          );
          expect(order.indexOf('traffic')).toBeLessThan(order.indexOf('wish'));
        });
      }
    }
    expect(call).toBeGreaterThan(15);
  }, 120_000);

  it('in the middle of a job, never runs it twice (INV-14)', async () => {
    const job: ExecutionSpec = executionSpec(
      [{ id: 'migrate', needs: [], type: 'runJob', side: 'to', workload: 'migrate' }],
      { to: revision(2, [pinned('shop'), pinned('migrate', 'migration')]) },
    );
    const outcomes = new Set<string>();
    let call = 1;
    for (let killed = true; killed; call += 1) {
      for (const when of ['before', 'after'] as const) {
        await withBench(async (bench) => {
          const { status, wasKilled } = await runKilled(bench, job, { call, when });
          killed = wasKilled;
          const runs = bench.cluster.events.filter((event) => event.type === 'started').length;
          expect(runs, `killed ${when} call ${call}`).toBeLessThanOrEqual(1);
          const state = status.instructions[0]?.state ?? '';
          outcomes.add(state);
          if (state === 'done') expect(runs).toBe(1);
          else expect(status.failure?.reason).toBe('unknownOutcome');
        });
      }
    }
    // Both happen: an instance that is found again, and one that nobody saw.
    expect([...outcomes].sort()).toEqual(['done', 'unknown']);
  }, 60_000);

  it('does not start on a journal of which a part is gone', () =>
    withBench(async (bench) => {
      const first = await bench.agent();
      await withFirstVersion(bench, 1);
      await first.stop();
      const path = join(bench.directory, 'journal.jsonl');
      const files = nodeFiles();
      const content = (await files.read(path))?.toString() ?? '';
      await files.writeAtomic(path, content.replace('shop-local-r1', 'shop-local-rX'));
      await expect(bench.agent()).rejects.toThrow(/line \d+: the checksum does not match/);
      await files.writeAtomic(path, `${content}deadbeef {"t":"fen`);
      await bench.agent();
      await eventually('it connects', () => bench.gateway().clusters()[0]?.connected);
    }));
});
