import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { instant } from '../lib/clock.ts';
import { isSlipwayError, messageOf, SlipwayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type ProcessTable, systemProcessTable } from '../lib/process-table.ts';
import { SAME_USER } from './app-user.ts';
import { type DataDirectory, makeDirectories } from './data-directory.ts';
import { watchDirectory } from './directory-watch.ts';
import { drained } from './drained.ts';
import { endGroups, LOST_STOP_MS, lookAt } from './end-leftovers.ts';
import { type KernelLock, tryLock } from './kernel-lock.ts';
import { findLostGroups } from './leftovers.ts';
import { LogFile } from './log-file.ts';
import { lockFile, ownIdentity, ROLES, type Role, recordFile } from './process-record.ts';
import { spawnRole } from './role-spawn.ts';
import { type Settings, writeSettings } from './settings.ts';
import { bindSockets, inheritedSockets, type Sockets } from './sockets.ts';
import { SupervisedProcess } from './supervised-process.ts';
import { SupervisorControl, type SupervisorStatus } from './supervisor-control.ts';
import {
  alreadyRuns,
  readSupervisor,
  type SupervisorRecord,
  urlsOf,
  writeSupervisor,
} from './supervisor-record.ts';

const ROTATE_EVERY_MS = 15_000;
/** Streams end when their applications do, which have a grace of their own. */
const ROUTER_STOP_MS = 90_000;
const AGENT_STOP_MS = 120_000;

export interface SupervisorOptions {
  readonly data: DataDirectory;
  readonly settings: Settings;
  /** True when the router started it and handed its listening sockets on as descriptors from 3. */
  readonly inherits: boolean;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Keeps router, manager and agent running and holds the listening sockets. It does nothing else, so that
 * there is little that could fail in it; and when it is killed all the same, nothing stops: its processes are
 * in sessions of their own, and the router starts the next supervisor with the sockets, which adopts them.
 *
 *   start → running → stopping → ended
 *
 * What must hold: one supervisor per data directory (kernel lock); the sockets are open in at least one
 * living process from `up` to `down`; a stop that was begun is finished by whoever comes next (`run/down`).
 */
export class Supervisor {
  readonly #data: DataDirectory;
  readonly #settings: Settings;
  readonly #sockets: Sockets;
  readonly #version: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #inherits: boolean;
  readonly #lock: KernelLock;
  readonly #record: SupervisorRecord;
  readonly #control: SupervisorControl;
  readonly #roles: readonly SupervisedProcess[];
  readonly #ended = Promise.withResolvers<void>();
  readonly #table: ProcessTable;
  #rotation: Disposable | undefined;
  #directory: Disposable | undefined;
  #lost = false;
  #stopping: Promise<void> | undefined;
  readonly #stopWatchers = new Set<(message: string) => void>();

  /** Rejects with `alreadyExists`, or with what keeps it from starting, in words for people. */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const { data } = options;
    makeDirectories(data);
    const lock = tryLock(lockFile(data, 'supervisor'));
    if (lock === undefined) throw alreadyRuns(data);
    const table = systemProcessTable();
    try {
      const sockets = options.inherits
        ? inheritedSockets(options.settings)
        : await bindSockets(data, options.settings, table);
      const settings: Settings = {
        ...options.settings,
        entry: sockets.entry.map((socket) => socket.address),
        api: sockets.api.address,
      };
      writeSettings(data, settings);
      const supervisor = new Supervisor(
        { ...options, settings },
        lock,
        sockets,
        await ownIdentity(table),
        table,
      );
      await supervisor.#begin();
      return supervisor;
    } catch (error) {
      noteRefusal(options, await ownIdentity(table), error);
      lock[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(
    options: SupervisorOptions,
    lock: KernelLock,
    sockets: Sockets,
    identity: { pid: number; startTime: string },
    table: ProcessTable,
  ) {
    this.#data = options.data;
    this.#settings = options.settings;
    this.#version = options.version;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#inherits = options.inherits;
    this.#lock = lock;
    this.#sockets = sockets;
    this.#table = table;
    const before = options.inherits ? readSupervisor(options.data) : undefined;
    this.#record = {
      ...identity,
      version: options.version,
      since: before?.since ?? instant(options.clock.now()),
      state: 'running',
      message: null,
      next: null,
      entry: options.settings.entry,
      api: options.settings.api,
    };
    this.#control = new SupervisorControl({
      status: () => this.status(),
      stop: (progress) => this.stop(progress),
    });
    this.#roles = ROLES.map((role) => this.#supervised(role));
  }

  status(): SupervisorStatus {
    return {
      pid: this.#record.pid,
      version: this.#version,
      since: this.#record.since,
      data: this.#data.root,
      urls: urlsOf(this.#settings),
      roles: this.#roles.map((role) => role.state),
      stopping: this.#stopping !== undefined,
      warnings: this.#settings.appUser === null ? [SAME_USER] : [],
    };
  }

  /** Resolves when a stop has ended everything. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Whether it ended because its data directory went away. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Ends manager, applications with their agent, then the router: nothing of this Slipway runs afterwards. */
  stop(progress: (message: string) => void = () => undefined): Promise<void> {
    this.#stopWatchers.add(progress);
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #begin(): Promise<void> {
    writeSupervisor(this.#data, this.#record);
    await this.#control.listen(this.#data.supervisorSocket);
    this.#log.info('supervisor runs', { pid: this.#record.pid, urls: urlsOf(this.#settings) });
    if (existsSync(this.#data.downFile)) {
      this.#log.info('finishing the stop that a predecessor began');
      if (this.#inherits) return this.stop();
      await this.#stopRoles(() => undefined);
      writeSupervisor(this.#data, this.#record);
    }
    for (const role of this.#roles) role.start();
    this.#rotate();
    const lock = lockFile(this.#data, 'supervisor');
    this.#directory = watchDirectory(lock, this.#clock, () => void this.#abandon());
  }

  async #stop(): Promise<void> {
    const say = (message: string): void => {
      this.#log.info(message);
      for (const watcher of this.#stopWatchers) watcher(message);
    };
    this.#rotation?.[Symbol.dispose]();
    this.#directory?.[Symbol.dispose]();
    // Read by the agent (end the applications too), by the router (start no supervisor) and by a successor.
    writeFileSync(this.#data.downFile, '');
    this.#control.changed();
    await this.#stopRoles(say);
    this.#ended.resolve();
  }

  /**
   * The data directory is gone or another one: nothing that was started from it can be found by it any more, so
   * it all ends now. Nothing at its path is read or removed, since that may be another Slipway's.
   */
  #abandon(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#lost = true;
      this.#rotation?.[Symbol.dispose]();
      this.#log.error('the data directory is gone: ending everything', { data: this.#data.root });
      this.#control.changed();
      const stop = (role: Role, killAfterMs: number): Promise<void> | undefined =>
        this.#roles.find((one) => one.role === role)?.stop({ killAfterMs, ownOnly: true });
      await Promise.all([stop('manager', LOST_STOP_MS), stop('router', ROUTER_STOP_MS)]);
      await stop('agent', LOST_STOP_MS);
      const at = lookAt(this.#data);
      await endGroups(at, await findLostGroups(at), this.#clock);
      this.#ended.resolve();
    })();
    return this.#stopping;
  }

  async #stopRoles(say: (message: string) => void): Promise<void> {
    const [router, manager, agent] = ROLES.map((role) => this.#roles.find((one) => one.role === role));
    await manager?.stop();
    say('manager stopped');
    // The router takes nothing new from here on, and what is inside the applications ends before they do.
    const routerGone = router?.stop({ killAfterMs: ROUTER_STOP_MS });
    await drained(this.#data.routerSocket, this.#log);
    say('requests drained');
    await agent?.stop({ killAfterMs: AGENT_STOP_MS });
    say('applications and agent ended');
    await routerGone;
    say('router stopped');
    for (const role of ROLES) rmSync(recordFile(this.#data, role), { force: true });
    for (const file of [this.#data.routerSocket, this.#data.supervisorFile, this.#data.downFile]) {
      rmSync(file, { force: true });
    }
  }

  /** Gives up lock and socket; the process may end then. */
  async close(): Promise<void> {
    await this.#control.close();
    if (!this.#lost) rmSync(this.#data.supervisorSocket, { force: true });
    this.#lock[Symbol.dispose]();
  }

  #supervised(role: Role): SupervisedProcess {
    const file = new LogFile(join(this.#data.logs, `${role}.log`));
    const all = [...this.#sockets.entry, this.#sockets.api].map((socket) => socket.fd);
    const fds: Record<Role, readonly number[]> = { router: all, manager: [this.#sockets.api.fd], agent: [] };
    return new SupervisedProcess({
      role,
      data: this.#data,
      log: this.#log,
      clock: this.#clock,
      table: this.#table,
      file,
      spawn: () => spawnRole({ role, data: this.#data, log: file, fds: fds[role], env: {} }),
      changed: () => this.#control.changed(),
    });
  }

  #rotate(): void {
    try {
      const names = readdirSync(this.#data.logs).filter((name) => name.endsWith('.log'));
      for (const name of names) new LogFile(join(this.#data.logs, name)).rotate();
    } catch (error) {
      this.#log.warn('logs could not be rotated', { error: messageOf(error) });
    }
    this.#rotation = this.#clock.setTimer(ROTATE_EVERY_MS, () => this.#rotate());
  }
}

/** So that whoever started it can say why it ended. */
function noteRefusal(
  options: SupervisorOptions,
  identity: { pid: number; startTime: string },
  error: unknown,
): void {
  options.log.error('the supervisor cannot start', { error });
  if (isSlipwayError(error, 'conflict')) return;
  try {
    writeSupervisor(options.data, {
      ...identity,
      version: options.version,
      since: instant(options.clock.now()),
      state: 'refused',
      message: messageOf(error),
      next: error instanceof SlipwayError ? (error.next ?? null) : null,
      entry: options.settings.entry,
      api: options.settings.api,
    });
  } catch (second) {
    options.log.error('nor can it say so in its record', { error: second });
  }
}
