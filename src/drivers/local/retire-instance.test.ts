import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autoClock } from '../../../test/support/auto-clock.ts';
import { createLog } from '../../lib/log.ts';
import { termFileOf } from '../../lib/process-wrapper.ts';
import type { BackendLoad } from '../../router/table.ts';
import type { DrainRecord } from '../cluster-driver.ts';
import type { Instance } from './instance.ts';
import type { InstanceContext } from './instance-context.ts';
import { retireInstance } from './retire-instance.ts';

const GRACE_MS = 5_000;
const load: BackendLoad = {
  id: 'web-r1-a',
  requests: 0,
  streams: 0,
  idleConnections: 0,
  failed: { refused: 0, reset: 0, cut: 0, noBackend: 0, timeout: 0 },
};

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-retire-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** One instance in virtual time: what happens to it, in order, and the record that a restart would find. */
function scene(options: {
  termAt?: number;
  endsAfterMs: number | null;
  idleCloseMs?: number;
  /** What is inside it until the table is in force. */
  requests?: number;
}) {
  const clock = autoClock();
  const events: string[] = [];
  const drains: DrainRecord[] = [];
  let inside = options.requests ?? 0;
  const ended = Promise.withResolvers<void>();
  const identity = { pid: 1, startTime: '1' };
  const exit = join(directory, 'exit');
  const instance = {
    id: load.id,
    record: {
      port: 8_000,
      identity,
      retiring: { startedAt: clock.now(), termAt: options.termAt ?? null },
    },
    wish: { spec: { drain: { timeout: '10s', grace: `${GRACE_MS}ms`, streamTimeout: '0s' } } },
    paths: { exit },
    ended: ended.promise,
    hasEnded: false,
    beginRetiring: async () => void events.push('retiring'),
    async save(edit: object) {
      Object.assign(instance.record, edit);
    },
  };
  const end = (how: string) => {
    events.push(how);
    ended.resolve();
  };
  const context = {
    clock,
    log: createLog({ process: 'agent', level: 'error', write: () => undefined }),
    signal: new AbortController().signal,
    tableInForce: async () => {
      await clock.sleep(1_000);
      inside = 0;
      events.push('table in force');
    },
    drained: async (_: unknown, record: DrainRecord) => void drains.push(record),
    control: {
      load: async () => ({ ...load, requests: inside }),
      awaitDrained: async () => load,
      closeIdle: async () => {
        await clock.sleep(options.idleCloseMs ?? 0);
        events.push('idle closed');
        return { closed: 0 };
      },
    },
    processes: {
      signalGroup: async (_: unknown, signal: string) => {
        events.push(signal);
        if (signal === 'SIGKILL') end('killed');
        else if (options.endsAfterMs !== null) clock.setTimer(options.endsAfterMs, () => end('ended'));
        return true;
      },
    },
  };
  return {
    clock,
    events,
    drains,
    end,
    told: () => writeFileSync(termFileOf(exit), ''),
    retire: () => retireInstance(context as unknown as InstanceContext, instance as unknown as Instance),
  };
}

describe('retiring an instance', () => {
  it('takes it out of the table and closes what is idle before SIGTERM', async () => {
    const { events, retire } = scene({ endsAfterMs: 1_000 });
    await retire();
    expect(events).toEqual(['retiring', 'table in force', 'idle closed', 'SIGTERM', 'ended']);
  });

  it('counts what was inside when it began, also where that left while the table waited for other writes', async () => {
    const { drains, retire } = scene({ endsAfterMs: 1_000, requests: 3 });
    await retire();
    expect(drains.map(({ requests }) => requests)).toEqual([3]);
  });

  it('kills it after its grace', async () => {
    const { events, clock, retire } = scene({ endsAfterMs: null });
    await retire();
    expect(events.slice(-3)).toEqual(['SIGTERM', 'SIGKILL', 'killed']);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(GRACE_MS);
  });

  it('gives it its whole grace from SIGTERM on, however long the router was away before', async () => {
    const { events, retire } = scene({ endsAfterMs: GRACE_MS - 1_000, idleCloseMs: 60_000 });
    await retire();
    expect(events.slice(-2)).toEqual(['SIGTERM', 'ended']);
  });

  it('gives it its whole grace where a crash came before SIGTERM', async () => {
    const termAt = autoClock().now() - 60_000;
    const { events, retire } = scene({ termAt, endsAfterMs: GRACE_MS - 1_000 });
    await retire();
    expect(events.slice(-2)).toEqual(['SIGTERM', 'ended']);
  });

  it('goes on with the grace of a SIGTERM that was sent before a restart, and sends none again', async () => {
    const termAt = autoClock().now() - GRACE_MS + 1_000;
    const { events, clock, told, retire } = scene({ termAt, endsAfterMs: null });
    told();
    await retire();
    expect(events.slice(-2)).toEqual(['SIGKILL', 'killed']);
    expect(events).not.toContain('SIGTERM');
    expect(clock.monotonic()).toBeLessThan(GRACE_MS);
  });
});
