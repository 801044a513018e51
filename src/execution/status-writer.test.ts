import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import {
  execution,
  executionSpec,
  FULL,
  shiftInstructions,
  VERSION,
  ZERO,
} from '../../test/support/execution-orders.ts';
import { acceptedStatus } from '../agent/journal-entries.ts';
import type { Execution, ExecutionStatus } from '../api/execution.ts';
import { SlipwayError } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { systemRandom } from '../lib/random.ts';
import { memoryStore } from '../store/memory/memory-store.ts';
import { type StatusReport, StatusWriter } from './status-writer.ts';

const SPEC = executionSpec(shiftInstructions(FULL, ZERO));
const REF = { namespace: 'default', name: 'shop-local-r2-e1-s1' };

async function make(version = VERSION) {
  const clock = autoClock();
  const store = memoryStore({ clock, random: systemRandom() });
  await store.create<Execution>(execution(SPEC));
  let writes = 0;
  const faults: Error[] = [];
  const counted = {
    ...store,
    updateStatus: ((object) => {
      const fault = faults.shift();
      if (fault !== undefined) return Promise.reject(fault);
      writes += 1;
      return store.updateStatus(object);
    }) as typeof store.updateStatus,
  };
  const writer = new StatusWriter({
    store: counted,
    clock,
    log: silentLog,
    version,
    signal: new AbortController().signal,
  });
  const acknowledged: number[] = [];
  return {
    clock,
    writer,
    faults,
    acknowledged,
    writes: () => writes,
    report: (number: number, more: Partial<ExecutionStatus> = {}) =>
      writer.report(REF, reportOf(number, more), (n) => acknowledged.push(n)),
    stored: async () => (await store.get<Execution>({ kind: 'Execution', ...REF }))?.status,
  };
}

const reportOf = (number: number, more: Partial<ExecutionStatus>): StatusReport => ({
  number,
  status: { ...acceptedStatus(SPEC, '2026-11-20T14:02:11.123Z'), phase: 'Running', ...more },
  gateRuns: {},
});
const words = (message: string): Partial<ExecutionStatus> => ({
  instructions: acceptedStatus(SPEC, '').instructions.map((i) => ({ ...i, message })),
});

describe('StatusWriter', () => {
  it('acknowledges only what is stored (INV-13)', async () => {
    const { clock, report, faults, acknowledged, stored } = await make();
    faults.push(new Error('disk full'), new Error('disk full'));
    report(7);
    await clock.sleep(100);
    expect(acknowledged).toEqual([]);
    await clock.sleep(500);
    expect(acknowledged).toEqual([7]);
    expect(await stored()).toMatchObject({ phase: 'Running', report: 7 });
  });

  it('tries again after a conflict', async () => {
    const { clock, report, faults, acknowledged } = await make();
    faults.push(new SlipwayError('conflict', 'stale'));
    report(1);
    await clock.sleep(1);
    expect(acknowledged).toEqual([1]);
  });

  it('writes words at most four times a second, and states at once', async () => {
    const { clock, report, writes, stored } = await make();
    for (let n = 1; n <= 40; n += 1) {
      report(n, words(`${n} of 40`));
      await clock.sleep(25);
    }
    expect(writes()).toBeLessThanOrEqual(6);
    report(50, { phase: 'Succeeded', endedAt: '2026-11-20T14:02:12.123Z' });
    await clock.sleep(1);
    expect(await stored()).toMatchObject({ phase: 'Succeeded' });
  });

  it('never writes an older report over a newer one', async () => {
    const { clock, report, acknowledged, stored } = await make();
    report(9, words('new'));
    await clock.sleep(1);
    report(3, words('old'));
    await clock.sleep(1_500);
    expect((await stored())?.instructions[0]?.message).toBe('new');
    expect(acknowledged).toEqual([9, 3]);
  });

  it('never writes over an end', async () => {
    const { clock, report, acknowledged, stored } = await make();
    report(1, { phase: 'Cancelled', endedAt: '2026-11-20T14:02:12.123Z' });
    await clock.sleep(1);
    report(2, { phase: 'Succeeded' });
    await clock.sleep(500);
    expect(await stored()).toMatchObject({ phase: 'Cancelled' });
    expect(acknowledged).toEqual([1, 2]);
  });

  it('takes a late word of the manager itself for nothing', async () => {
    const { clock, report, writer, stored } = await make();
    report(1, { phase: 'Succeeded' });
    await clock.sleep(1);
    writer.change(REF, (status) => ({ ...status, phase: 'Refused' }));
    await clock.sleep(500);
    expect(await stored()).toMatchObject({ phase: 'Succeeded' });
  });

  it('keeps counts that only rise, also after the end', async () => {
    const { clock, report, writer, stored } = await make();
    const totals = (requests: number, failed: number) => ({ requests, failed, failures: {}, byVersion: {} });
    report(1, { phase: 'Succeeded', traffic: totals(10, 0) });
    await clock.sleep(1);
    writer.traffic(REF, totals(20, 1));
    await clock.sleep(1);
    writer.traffic(REF, totals(15, 0));
    await clock.sleep(500);
    expect(await stored()).toMatchObject({ phase: 'Succeeded', traffic: { requests: 20, failed: 1 } });
  });

  it('leaves executions of another version alone (INV-16)', async () => {
    const { clock, report, stored, writes } = await make('9.9.9');
    report(1);
    await clock.sleep(500);
    expect(writes()).toBe(0);
    expect(await stored()).toBeUndefined();
  });
});
