import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { ProcessTable } from '../lib/process-table.ts';
import type { DataDirectory } from './data-directory.ts';
import { LogFile } from './log-file.ts';
import { runs } from './process-record.ts';
import { spawnRole } from './role-spawn.ts';
import { ask } from './supervisor-client.ts';
import { readSupervisor } from './supervisor-record.ts';

/** Between two looks when no connection tells of the end at once, ms. */
const LOOK_MS = 100;

/**
 * The router's part in the supervisor's life: an open connection tells it at once when the supervisor is
 * gone, and since the router has the listening sockets too, it starts the next one and hands them on.
 */
export async function keepSupervisor(options: {
  readonly data: DataDirectory;
  readonly table: ProcessTable;
  readonly clock: Clock;
  readonly log: Log;
  /** The listening sockets, in the order in which this process got them. */
  readonly fds: readonly number[];
  readonly signal: AbortSignal;
}): Promise<void> {
  const { data, log, signal } = options;
  while (!signal.aborted) {
    try {
      await untilGone(options);
      const stopping = existsSync(data.downFile) && !(await anyLeft(options));
      if (!signal.aborted && !stopping) await startNext(options);
    } catch (error) {
      log.error('no supervisor could be started', { error: messageOf(error) });
    }
    await options.clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
}

/** Returns when the supervisor of the record does not run (any more). */
async function untilGone(options: Parameters<typeof keepSupervisor>[0]): Promise<void> {
  const { data, table, clock, signal } = options;
  for (;;) {
    const record = readSupervisor(data);
    if (signal.aborted || record === undefined || !(await runs(table, record))) return;
    try {
      for await (const _line of ask(data, 'watch', signal)) {
        // Each line is a change of state that concerns others; the end of the lines is what this waits for.
      }
    } catch {
      // Not answering yet, or not any more: its process is looked at again.
    }
    await clock.sleep(20, signal).catch(() => undefined);
  }
}

/** A stop in progress is the supervisor's to finish: without one, the next must. */
async function anyLeft({ data }: { readonly data: DataDirectory }): Promise<boolean> {
  return readSupervisor(data) !== undefined;
}

async function startNext(options: Parameters<typeof keepSupervisor>[0]): Promise<void> {
  const { data, log } = options;
  const child = await spawnRole({
    role: 'supervisor',
    data,
    log: new LogFile(join(data.logs, 'supervisor.log')),
    fds: options.fds,
    env: { SLIPWAY_INHERITS: '1' },
  });
  log.info('the supervisor was gone; started the next', { pid: child.pid });
  const recorded = async (): Promise<void> => {
    while (!options.signal.aborted && readSupervisor(data)?.pid !== child.pid) {
      await options.clock.sleep(20, options.signal).catch(() => undefined);
    }
  };
  const { code } = (await Promise.race([recorded(), child.ended])) ?? { code: null };
  if (code !== null) log.warn('the supervisor that was started has ended', { code });
}
