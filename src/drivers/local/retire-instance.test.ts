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
  /** Failures of what is inside it, at each look in turn; the last one stays. */
  reset?: readonly number[];
  /** It falls over while it drains. */
  fallsOver?: boolean;
}) {
  const looks = [...(options.reset ?? [0])];
  const look = () => {
    const reset = (looks.length > 1 ? looks.shift() : looks[0]) ?? 0;
    return { ...load, failed: { ...load.failed, reset } };
  };
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
    instance.hasEnded = true;
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
      load: async () => ({ ...look(), requests: inside }),
      awaitDrained: async (_: string, { streams }: { streams: boolean }) => {
        if (options.fallsOver && !streams) {
          end('fell over');
          return new Promise<BackendLoad>(() => {});
        }
        return look();
      },
      ended: async () => look(),
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

describe('what a drain says', () => {
  const cases: [string, Parameters<typeof scene>[0], Partial<DrainRecord>][] = [
    ['ends in time', { endsAfterMs: 100 }, { cut: 0 }],
    ['cuts what is inside after SIGTERM', { endsAfterMs: 100, reset: [0, 0, 2] }, { cut: 2 }],
    ['what it failed by itself before SIGTERM is no cut', { endsAfterMs: 100, reset: [0, 3, 3] }, { cut: 0 }],
    [
      'nor is what was inside when it fell over',
      { endsAfterMs: null, fallsOver: true, reset: [0, 4] },
      { cut: 0 },
    ],
    ['ignores SIGTERM', { endsAfterMs: null }, { cut: 0, killed: true }],
  ];
  it.each(cases)('%s', async (_, options, expected) => {
    const { drains, retire } = scene(options);
    await retire();
    expect(drains).toMatchObject([expected]);
    expect('killed' in (drains[0] ?? {})).toBe(expected.killed === true);
  });
});

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
