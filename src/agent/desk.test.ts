import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import {
  executionSpec,
  FULL,
  shiftInstructions,
  VERSION,
  ZERO,
} from '../../test/support/execution-orders.ts';
import { MemoryFiles } from '../../test/support/memory-files.ts';
import { ModelCluster } from '../../test/support/model-driver.ts';
import type { ExecutionSpec } from '../api/execution.ts';
import type { AgentFrame } from '../execution/protocol.ts';
import { inlineExpressions } from '../gates/expressions.ts';
import { silentLog } from '../lib/log.ts';
import type { Processes } from '../lib/processes.ts';
import { Desk } from './desk.ts';
import { Journal } from './journal.ts';
import { Lease } from './lease.ts';

async function make(files = new MemoryFiles(), clock = autoClock(), cluster = new ModelCluster(clock)) {
  const journal = await Journal.open({ files, path: '/j', cluster: 'local', clock, log: silentLog });
  const lease = new Lease(clock);
  lease.begin(3_600_000);
  const sent: AgentFrame[] = [];
  const desk = new Desk({
    journal,
    cluster: 'local',
    version: VERSION,
    send: (frame) => {
      sent.push(frame);
      return true;
    },
    ended: () => {},
    ports: {
      driver: cluster.driver,
      trafficRouter: cluster.trafficRouter,
      network: { request: () => Promise.reject(new Error('none')), connect: async () => {} },
      processes: {} as Processes,
      expressions: inlineExpressions,
      resolve: async () => [],
      clock,
      log: silentLog,
      lease,
      entry: [],
    },
  });
  const name = 'shop-local-r2-e1-s1';
  return {
    ...{ desk, journal, files, clock, cluster, sent, name },
    order: (spec: ExecutionSpec, execution = `shop-local-r2-e${spec.epoch}-s${spec.sequence}`) =>
      desk.order({ type: 'order', execution, namespace: 'default', uid: execution, spec }),
    frames: (type: AgentFrame['type']) => sent.filter((frame) => frame.type === type),
    phases: () =>
      sent.flatMap((frame) =>
        frame.type === 'report' && frame.execution === name ? [frame.status.phase] : [],
      ),
  };
}
const grow = () => executionSpec(shiftInstructions(FULL, ZERO).slice(0, 2), { replicas: { shop: 2 } });

describe('the desk', () => {
  it('accepts only what is durable, acts after that, and reports only what is durable (INV-13)', async () => {
    const { order, files, clock, cluster, frames, phases } = await make();
    const disk = Promise.withResolvers<void>();
    files.slow = disk.promise;
    order(grow());
    await clock.sleep(1_000);
    expect(frames('accepted')).toEqual([]);
    expect(cluster.events).toEqual([]);
    disk.resolve();
    await clock.sleep(1);
    expect(frames('accepted')).toHaveLength(1);
    const end = Promise.withResolvers<void>();
    files.slow = end.promise;
    await clock.sleep(5_000);
    expect(phases()).not.toContain('Succeeded');
    end.resolve();
    await clock.sleep(1_000);
    expect(phases().at(-1)).toBe('Succeeded');
  });

  it('tells what it holds only when what it was told is journalled', async () => {
    const { order, files, clock, desk } = await make();
    const disk = Promise.withResolvers<void>();
    files.slow = disk.promise;
    order(grow());
    const holds = desk.holds();
    clock.setTimer(50, () => disk.resolve());
    expect(await holds).toEqual([
      expect.objectContaining({ execution: 'shop-local-r2-e1-s1', final: false }),
    ]);
    await desk.stop();
  });

  it('says a final report again until it is acknowledged, with rising numbers', async () => {
    const { order, clock, desk, frames, name } = await make();
    order(grow());
    await clock.sleep(20_000);
    const numbers = () => frames('report').map((frame) => (frame.type === 'report' ? frame.number : 0));
    const before = numbers();
    expect(before.length).toBeGreaterThan(4);
    expect(before).toEqual([...new Set(before)].sort((a, b) => a - b));
    desk.reported('default', name, before.at(-1) ?? 0);
    await clock.sleep(1);
    const after = numbers().length;
    await clock.sleep(60_000);
    expect(numbers()).toHaveLength(after);
  });

  it('does not take an older acknowledgement for the newest report', async () => {
    const { order, clock, desk, frames, name, journal } = await make();
    order(grow());
    await clock.sleep(1_000);
    const [first] = frames('report');
    desk.reported('default', name, first?.type === 'report' ? first.number : 0);
    await clock.sleep(1);
    expect(journal.state.records.get(`default/${name}`)?.acknowledged).toBe(false);
  });

  it('goes on with numbers above those before a restart, also when the clock went back', async () => {
    const first = await make();
    first.order(grow());
    await first.clock.sleep(1_000);
    await first.desk.stop();
    const before = first.frames('report').at(-1);
    const second = await make(first.files, autoClock(0), first.cluster);
    second.desk.resume();
    second.desk.resend();
    const [again] = second.frames('report');
    expect(again).toMatchObject({ status: { phase: 'Succeeded' } });
    expect(again?.type === 'report' && before?.type === 'report' && again.number > before.number).toBe(true);
  });

  it('waits for the stop of the lower epoch, whatever else it is told meanwhile (INV-20)', async () => {
    const { order, clock, cluster, desk, sent } = await make();
    cluster.behave('shop-r2', { startMs: Number.POSITIVE_INFINITY });
    order(grow());
    await clock.sleep(100);
    // A write that is under way cannot be taken back: its end is awaited.
    const held = Promise.withResolvers<void>();
    const observe = cluster.driver.observe.bind(cluster.driver);
    cluster.driver.observe = async (key) => {
      await held.promise;
      return observe(key);
    };
    await clock.sleep(300);
    order({ ...grow(), epoch: 2 });
    await clock.sleep(1_000);
    const states = (execution: string) =>
      sent.flatMap((frame) =>
        frame.type === 'report' && frame.execution === execution ? [frame.status.phase] : [],
      );
    expect(sent.some((frame) => frame.type === 'accepted' && frame.epoch === 2)).toBe(true);
    expect(states('shop-local-r2-e2-s1')).toEqual([]);
    desk.forget('release/default/else');
    held.resolve();
    await clock.sleep(1_000);
    expect(states('shop-local-r2-e1-s1').at(-1)).toBe('Cancelled');
    expect(states('shop-local-r2-e2-s1').at(0)).toBe('Running');
    const ended = sent.findIndex((frame) => frame.type === 'report' && frame.status.phase === 'Cancelled');
    const began = sent.findIndex(
      (frame) => frame.type === 'report' && frame.execution === 'shop-local-r2-e2-s1',
    );
    expect(ended).toBeLessThan(began);
    await desk.stop();
  });

  it('refuses what is below a cancel, also after a restart', async () => {
    const first = await make();
    first.desk.cancel('release/default/shop-local-r2', 5);
    await first.clock.sleep(10);
    await first.desk.stop();
    const { order, clock, frames } = await make(first.files);
    order({ ...grow(), epoch: 4 });
    order({ ...grow(), epoch: 5 });
    await clock.sleep(100);
    expect(frames('refused')).toEqual([
      expect.objectContaining({ reason: expect.stringMatching(/older than 5/) }),
    ]);
    expect(frames('accepted')).toHaveLength(1);
  });
});
