import { messageOf, SlipwayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createLog } from '../lib/log.ts';
import { systemProcessTable } from '../lib/process-table.ts';
import { type DataDirectory, dataDirectory } from './data-directory.ts';
import { tryLock } from './kernel-lock.ts';
import { lockFile, ownIdentity, type ProcessRecord, type Role, writeRecord } from './process-record.ts';
import { readSettings, type Settings } from './settings.ts';
import { slipwayVersion } from './version.ts';

/** How a role's process ends, beyond 0 and 1: sysexits' EX_TEMPFAIL and EX_CONFIG. */
export const EXIT_ALREADY_RUNS = 75;
export const EXIT_REFUSED = 78;

/** A predecessor that was just killed may hold its lock until the kernel has cleaned up after it. */
const LOCK_WAIT_MS = 2_000;

export interface RoleContext {
  readonly data: DataDirectory;
  readonly settings: Settings;
  readonly version: string;
  readonly log: Log;
}

/** What runs inside: made by `start`, ended by `stop`, which returns when the process may exit. */
export interface RunningRole {
  stop(): Promise<void>;
}

/**
 * The frame of a role's process: one at a time per data directory (a lock that dies with the process), a
 * record of itself in `run/`, graceful stop on SIGTERM, and an end with words when it cannot go on. It
 * outlives its parent: SIGHUP and a closed standard input mean nothing to it.
 */
export async function runRole(
  role: Role,
  start: (context: RoleContext) => Promise<RunningRole>,
): Promise<void> {
  const startedAt = performance.now();
  const version = slipwayVersion();
  const log = createLog({ process: role, version });
  process.on('SIGHUP', () => undefined);
  const data = dataDirectory(process.env.SLIPWAY_DATA ?? '');
  if (!(await lock(data, role))) {
    log.info('another process has this role already');
    process.exit(EXIT_ALREADY_RUNS);
  }
  const identity = await ownIdentity(systemProcessTable());
  const note = (state: ProcessRecord['state'], more: Partial<ProcessRecord> = {}): void =>
    writeRecord(data, {
      ...identity,
      role,
      version,
      state,
      at: Date.now(),
      readyMs: null,
      message: null,
      next: null,
      ...more,
    });
  const fail = (error: unknown): never => {
    log.error(`the ${role} ends`, { error });
    if (!isRefusal(error)) process.exit(1);
    note('refused', { message: error.message, next: error.next ?? null });
    process.exit(EXIT_REFUSED);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  note('starting');
  try {
    const settings = readSettings(data);
    if (settings === undefined)
      throw new SlipwayError('invalid', `${data.settingsFile} is missing`, { next: 'slipway up' });
    const running = await start({ data, settings, version, log });
    note('ready', { readyMs: Math.round(performance.now() - startedAt) });
    endOnSignal(role, log, running);
  } catch (error) {
    fail(error);
  }
}

/** Errors that the next start would meet again; the others may heal by themselves. */
const isRefusal = (error: unknown): error is SlipwayError =>
  error instanceof SlipwayError && (error.code === 'refused' || error.code === 'invalid');

/** Kept here, since the lock goes with the object. */
let held: Disposable | undefined;

async function lock(data: DataDirectory, role: Role): Promise<boolean> {
  const deadline = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    held = tryLock(lockFile(data, role));
    if (held !== undefined) return true;
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function endOnSignal(role: Role, log: Log, running: RunningRole): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      running.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error(`the ${role} did not stop`, { error: messageOf(error) });
          process.exit(1);
        },
      );
    });
  }
}
