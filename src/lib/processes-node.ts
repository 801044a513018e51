import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { type Clock, systemClock } from './clock.ts';
import { ExitWatch } from './exit-watch.ts';
import { type ProcessEntry, type ProcessTable, systemProcessTable } from './process-table.ts';
import { pidFileOf, wrapped } from './process-wrapper.ts';
import type { Processes, ProcessIdentity, ProcessUsage, SpawnGroup } from './processes.ts';
import { runCommand } from './run-command.ts';
import { readUntrusted } from './untrusted-file.ts';

/** A scan of the whole table serves every `usage` asked for within this time; */
const SCAN_MS = 1_000;
/** and up to this age while the next one is made, so that whoever asks often never waits for it. */
const STALE_MS = 5_000;
/** A pid file is written in one go right after it was created; longer means that its writer died in between. */
const PID_FILE_MS = 1_000;

/** The operating system's processes. Needs a POSIX system: Linux, macOS or a BSD. */
export function nodeProcesses(
  options: { readonly clock?: Clock; readonly table?: ProcessTable } = {},
): Processes {
  const clock = options.clock ?? systemClock();
  const table = options.table ?? systemProcessTable();
  const exits = new ExitWatch(clock, table);
  const children = new Map<string, Promise<void>>();
  let scanned: { at: number; entries: ProcessEntry[] } | undefined;
  let scanning: Promise<ProcessEntry[]> | undefined;

  const scan = (): Promise<ProcessEntry[]> => {
    scanning ??= table
      .list()
      .then((entries) => {
        scanned = { at: clock.monotonic(), entries };
        return entries;
      })
      .finally(() => {
        scanning = undefined;
      });
    return scanning;
  };

  const isAlive = async (identity: ProcessIdentity): Promise<boolean> => {
    const entry = await table.get(identity.pid);
    return entry !== undefined && !entry.zombie && entry.startTime === identity.startTime;
  };

  /**
   * Members of the group. When the leader is gone the kernel gives its pid to nobody while the group has
   * members, so a pid that belongs to another process now means that the group is empty.
   */
  const membersOf = (identity: ProcessIdentity, entries: readonly ProcessEntry[]): ProcessEntry[] => {
    const leader = entries.find((entry) => entry.pid === identity.pid);
    if (leader !== undefined && leader.startTime !== identity.startTime) return [];
    return entries.filter((entry) => entry.group === identity.pid && !entry.zombie);
  };

  const spawnGroup = async (order: SpawnGroup): Promise<ProcessIdentity> => {
    const [file, args] = wrapped(order.exitFile, order.argv);
    const log = await open(order.logFile, 'a', 0o640);
    try {
      const child = spawn(file, args, {
        cwd: order.cwd,
        env: order.env,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        ...(order.user === undefined ? {} : order.user),
      });
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      await started(child);
      child.unref();
      const pid = child.pid;
      if (pid === undefined) throw new Error('the operating system gave no pid');
      // Gone this early means that it ended at once: an identity that nothing alive has.
      const identity = { pid, startTime: (await table.get(pid))?.startTime ?? 'ended' };
      children.set(keyOf(identity), ended);
      void ended.then(() => children.delete(keyOf(identity)));
      return identity;
    } finally {
      await log.close();
    }
  };

  /** The kernel says for little that a group is empty; that its members are ours takes a look at all. */
  const hasMembers = async (identity: ProcessIdentity): Promise<boolean> =>
    !isEmptyGroup(identity.pid) && membersOf(identity, await table.list()).length > 0;

  const reclaimGroup = async (exitFile: string): Promise<ProcessIdentity | undefined> => {
    const pid = await claim(pidFileOf(exitFile), clock);
    if (pid === undefined) return undefined;
    const [entry, words] = await Promise.all([table.get(pid), table.arguments(pid)]);
    // After a reboot the pid may be anybody's; ours has the exit file among its arguments.
    if (entry === undefined || entry.zombie || words?.includes(exitFile) !== true) return undefined;
    return { pid, startTime: entry.startTime };
  };

  const signalGroup = async (identity: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): Promise<boolean> => {
    if (!(await isAlive(identity)) && !(await hasMembers(identity))) return false;
    try {
      process.kill(-identity.pid, signal);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  };

  const awaitExit = async (identity: ProcessIdentity, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    const child = children.get(keyOf(identity));
    const watch = Promise.withResolvers<void>();
    const watched = child === undefined ? exits.watch(identity, watch.resolve) : undefined;
    void child?.then(watch.resolve);
    const onAbort = (): void => watch.reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await watch.promise;
    } finally {
      watched?.[Symbol.dispose]();
      signal?.removeEventListener('abort', onAbort);
    }
  };

  const usage = async (identity: ProcessIdentity): Promise<ProcessUsage | undefined> => {
    const ageMs = scanned === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - scanned.at;
    if (ageMs > SCAN_MS) {
      const next = scan();
      if (ageMs > STALE_MS) await next;
      else next.catch(() => undefined); // Whoever asks after the old scan has expired is told.
    }
    const members = membersOf(identity, scanned?.entries ?? []);
    if (members.length === 0) return undefined;
    return {
      rssBytes: members.reduce((total, entry) => total + entry.rssBytes, 0),
      cpuMs: members.reduce((total, entry) => total + entry.cpuMs, 0),
    };
  };

  return {
    run: (command) => runCommand(command, clock),
    spawnGroup,
    reclaimGroup,
    isAlive,
    isGroupAlive: hasMembers,
    signalGroup,
    awaitExit,
    usage,
  };
}

const keyOf = (identity: ProcessIdentity): string => `${identity.pid}@${identity.startTime}`;

function isEmptyGroup(group: number): boolean {
  try {
    process.kill(-group, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

const started = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });

/**
 * The pid that the wrapper wrote, or, where it had not come so far, the claim that makes it end without
 * starting anything (see process-wrapper).
 */
async function claim(pidFile: string, clock: Clock): Promise<number | undefined> {
  try {
    const file = await open(pidFile, 'wx', 0o644);
    await file.close();
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Without the directory no wrapper can make its claim, and without a claim it starts nothing.
    if (code === 'ENOENT') return undefined;
    if (code !== 'EEXIST') throw error;
  }
  const deadline = clock.monotonic() + PID_FILE_MS;
  for (;;) {
    const text = await readUntrusted(pidFile, 32);
    if (text.endsWith('\n')) return Number.parseInt(text, 10);
    if (clock.monotonic() >= deadline) return undefined;
    await clock.sleep(5);
  }
}
