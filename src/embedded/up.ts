import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import { systemProcessTable } from '../lib/process-table.ts';
import { nodeFor } from './app-node.ts';
import { appUserFor } from './app-user.ts';
import { cannotWrite, type DataDirectory, dataDirectory, makeDirectories } from './data-directory.ts';
import { tryLock } from './kernel-lock.ts';
import { LogFile } from './log-file.ts';
import { lockFile, type Role, readRecord, runs } from './process-record.ts';
import { type StartedChild, spawnRole } from './role-spawn.ts';
import {
  type Address,
  DEFAULT_API,
  DEFAULT_ENTRY,
  readSettings,
  restoreSettings,
  type Settings,
  writeSettings,
} from './settings.ts';
import { refuseUsedAddresses } from './sockets.ts';
import type { RoleState } from './supervised-process.ts';
import { ask } from './supervisor-client.ts';
import type { SupervisorStatus } from './supervisor-control.ts';
import { alreadyRuns, readSupervisor } from './supervisor-record.ts';

export interface UpOptions {
  /** Data directory. */
  readonly data: string;
  /** Where applications' traffic enters; absent: as last time, else 127.0.0.1:8480. Port 0 takes a free one. */
  readonly entry?: readonly Address[] | undefined;
  readonly api?: Address | undefined;
  /** `UID:GID`, a user's name, or `self` for Slipway's own; absent: an unprivileged one where Slipway is root. */
  readonly appUser?: string | undefined;
  /** PATH of the applications; absent: the caller's own. */
  readonly path?: string | undefined;
  readonly version: string;
  readonly clock: Clock;
  /** Called with each change while it waits. */
  readonly progress?: (message: string) => void;
}

export interface UpResult {
  readonly status: SupervisorStatus;
  /** From the call to everything ready, ms. */
  readonly wallMs: number;
  /** Processes that ran already, as after a kill of the supervisor. */
  readonly adopted: readonly Role[];
  /** What the person should know, each a sentence. */
  readonly warnings: readonly string[];
}

const DEADLINE_MS = 30_000;
const POLL_MS = 20;
const ENDING_MS = 2_000;
/** A process that has ended so often before it was ready will not fare better. */
const HOPELESS_STARTS = 4;

/** Starts Slipway detached and returns when router, manager and agent are ready. */
export async function up(options: UpOptions): Promise<UpResult> {
  const startedAt = options.clock.monotonic();
  const { data, settings, before, warnings } = await prepare(options);
  let child: StartedChild | undefined;
  if (await routerStartsSupervisor(data)) writeSettings(data, settings);
  else {
    await refuseUsedAddresses(data, settings, systemProcessTable());
    writeSettings(data, settings);
    child = await spawnRole({
      role: 'supervisor',
      data,
      log: new LogFile(join(data.logs, 'supervisor.log')),
      fds: [],
      env: {},
    });
  }
  const status = await awaitReady(data, options).catch(async (error: unknown) => {
    // Whoever mends it and tries again at once must not meet the one that is just ending.
    const ended = child !== undefined && (await endedWithin(child, options.clock, ENDING_MS));
    // What has never started is not what the next plain `up` should do again.
    if (ended) restoreSettings(data, before);
    throw error;
  });
  return {
    status,
    wallMs: Math.round(options.clock.monotonic() - startedAt),
    adopted: status.roles.filter((role) => role.adopted).map((role) => role.role),
    warnings,
  };
}

/** Nothing stays behind that would keep the caller's process waiting. */
async function endedWithin(child: StartedChild, clock: Clock, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  using _timer = clock.setTimer(ms, () => late.resolve(false));
  return await Promise.race([child.ended.then(() => true), late.promise]);
}

/**
 * Checks what every start needs. Rejects with `alreadyExists` when one runs already. The settings are remembered by who
 * starts, once nothing stands against them; `before` are those of the last start.
 */
export async function prepare(options: UpOptions): Promise<{
  data: DataDirectory;
  settings: Settings;
  before: Settings | undefined;
  warnings: readonly string[];
}> {
  const data = dataDirectory(options.data);
  makeDirectories(data);
  const free = lockOf(data);
  if (free === undefined) throw alreadyRuns(data);
  free[Symbol.dispose]();
  const before = readSettings(data);
  const path = options.path ?? process.env.PATH ?? '';
  const { user, warnings } = appUserFor({ wanted: options.appUser, root: data.root });
  const node = nodeFor({ user, path, data });
  const settings: Settings = {
    entry: [...(options.entry ?? before?.entry ?? [DEFAULT_ENTRY])],
    api: options.api ?? before?.api ?? DEFAULT_API,
    path: node.path,
    appUser: user,
  };
  return { data, settings, before, warnings: [...warnings, ...node.warnings] };
}

function lockOf(data: DataDirectory): Disposable | undefined {
  try {
    return tryLock(lockFile(data, 'supervisor'));
  } catch (error) {
    throw cannotWrite(data.run, error);
  }
}

/** A router that outlived its supervisor has the sockets, so the next supervisor must come from it. */
export async function routerStartsSupervisor(data: DataDirectory): Promise<boolean> {
  const router = readRecord(data, 'router');
  return router !== undefined && (await runs(systemProcessTable(), router));
}

/** Follows the supervisor until all is ready; says who failed, with the end of its log, when it is not. */
export async function awaitReady(data: DataDirectory, options: UpOptions): Promise<SupervisorStatus> {
  const { clock } = options;
  const deadline = new AbortController();
  using _timer = clock.setTimer(DEADLINE_MS, () => deadline.abort());
  const beganAt = clock.now();
  let last: SupervisorStatus | undefined;
  while (!deadline.signal.aborted) {
    try {
      for await (const line of ask(data, 'watch', deadline.signal)) {
        if (line.type !== 'status') continue;
        tell(last, line.status, options.progress);
        last = line.status;
        const refused = last.roles.find((role) => role.state === 'refused');
        if (refused !== undefined) await giveUp(data, refused);
        const hopeless = last.roles.find((role) => role.readyMs === null && role.restarts >= HOPELESS_STARTS);
        if (hopeless !== undefined) await giveUp(data, hopeless);
        if (last.roles.every((role) => role.state === 'ready')) return last;
      }
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code !== 'unavailable') throw error;
    }
    refusedItself(data, beganAt);
    await clock.sleep(POLL_MS);
  }
  throw late(data, last);
}

function tell(
  before: SupervisorStatus | undefined,
  now: SupervisorStatus,
  progress?: (message: string) => void,
): void {
  for (const role of now.roles) {
    const known = before?.roles.find((one) => one.role === role.role);
    if (known?.state === role.state) continue;
    if (role.state === 'ready')
      progress?.(`${role.role} ready${role.readyMs === null ? '' : ` in ${role.readyMs} ms`}`);
    if (role.state === 'down' && role.message !== null) progress?.(role.message);
  }
}

/** Something must be mended first: what was started for nothing is ended again. */
async function giveUp(data: DataDirectory, refused: RoleState): Promise<never> {
  for await (const _line of ask(data, 'stop')) {
    // Until the supervisor has ended.
  }
  throw new SlipwayError('refused', refused.message ?? `The ${refused.role} does not start.`, {
    next: refused.next ?? `less ${join(data.logs, `${refused.role}.log`)}`,
  });
}

/** The supervisor could not start at all: its record says why. */
function refusedItself(data: DataDirectory, since: number): void {
  const record = readSupervisor(data);
  if (record?.state !== 'refused' || Date.parse(record.since) < since - 1) return;
  throw new SlipwayError('unavailable', record.message ?? 'The supervisor could not start.', {
    next: record.next ?? `less ${join(data.logs, 'supervisor.log')}`,
  });
}

function late(data: DataDirectory, last: SupervisorStatus | undefined): SlipwayError {
  const missing = last?.roles.filter((role) => role.state !== 'ready').map((role) => role.role);
  const who: readonly (Role | 'supervisor')[] = missing === undefined ? ['supervisor'] : missing;
  const tails = who.flatMap((role) => {
    const path = join(data.logs, `${role}.log`);
    return [`--- ${path}`, ...new LogFile(path).tail(0, 6)];
  });
  const what = `${who.join(', ')} not ready after ${DEADLINE_MS / 1_000} s`;
  return new SlipwayError('timeout', [what, ...tails].join('\n'), {
    next: `slipway down --data ${data.root}`,
  });
}
