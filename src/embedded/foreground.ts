import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { systemProcessTable } from '../lib/process-table.ts';
import { dataDirectory } from './data-directory.ts';
import { LogFile } from './log-file.ts';
import { runs } from './process-record.ts';
import { Supervisor } from './supervisor.ts';
import { ask } from './supervisor-client.ts';
import { alreadyRuns, readSupervisor } from './supervisor-record.ts';
import { awaitReady, prepare, routerStartsSupervisor, type UpOptions, type UpResult } from './up.ts';

export interface ForegroundOptions extends UpOptions {
  /** Ends everything when it is aborted. */
  readonly signal: AbortSignal;
  readonly ready: (result: UpResult) => void;
  /**
   * Started by a service manager, which starts this again after a kill: a Slipway that runs already is then
   * followed until it ends, instead of refused. Its router has started a supervisor meanwhile.
   */
  readonly service?: boolean;
}

const LOOK_MS = 200;

/**
 * Runs the supervisor in this process until `signal` is aborted or somebody says `slipway down`, then ends
 * everything. `ready` is called when router, manager and agent are.
 */
export async function upInForeground(options: ForegroundOptions): Promise<void> {
  const startedAt = options.clock.monotonic();
  if (options.service === true && (await followRunning(options))) return;
  const { data, settings, warnings } = await prepare(options);
  const file = new LogFile(join(data.logs, 'supervisor.log'));
  const write = (line: string): void => writeFileSync(file.path, line, { flag: 'a', mode: 0o600 });
  const log = createLog({ process: 'supervisor', version: options.version, write });
  if (await routerStartsSupervisor(data)) throw alreadyRuns(data);
  const { version, clock, signal } = options;
  const supervisor = await Supervisor.start({ data, settings, inherits: false, version, clock, log });
  const stop = (): void => void supervisor.stop(options.progress);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    const status = await Promise.race([awaitReady(data, options), supervisor.ended]);
    if (status !== undefined) {
      options.ready({ status, warnings, adopted: [], wallMs: Math.round(clock.monotonic() - startedAt) });
    }
    await supervisor.ended;
    if (supervisor.lost) throw lostDirectory(data);
  } catch (error) {
    await supervisor.stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await supervisor.close();
  }
}

const lostDirectory = ({ root }: { readonly root: string }): SlipwayError =>
  new SlipwayError(
    'unavailable',
    `The data directory ${root} is gone, so Slipway and the applications that it ran have ended.`,
    { next: `slipway up --data ${root}   (starts an empty one)` },
  );

/** True when one ran, and has ended now. */
async function followRunning({ data: root, signal, clock }: ForegroundOptions): Promise<boolean> {
  const data = dataDirectory(root);
  const table = systemProcessTable();
  let followed = false;
  for (;;) {
    const record = readSupervisor(data);
    const alive = record?.state === 'running' && (await runs(table, record));
    if (!alive && !(await routerStartsSupervisor(data))) return followed && record === undefined;
    followed = true;
    if (signal.aborted) {
      for await (const _line of ask(data, 'stop')) {
        // Until the last line: then everything has ended.
      }
      return true;
    }
    // A connection that breaks off says that the supervisor was killed; the next look finds its successor.
    await drain(ask(data, 'watch', signal));
    await clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
}

async function drain(lines: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _line of lines) {
      // Changes concern others.
    }
  } catch {
    // Not answering yet: looked at again.
  }
}
