import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { ProcessTable } from '../lib/process-table.ts';
import type { ProcessIdentity } from '../lib/processes.ts';
import type { DataDirectory } from './data-directory.ts';
import { endProcess, sendSignal } from './end-process.ts';
import type { LogFile } from './log-file.ts';
import { type ProcessRecord, type Role, readRecord, runs } from './process-record.ts';
import { type Death, restartDelayMs } from './restart-policy.ts';
import { EXIT_ALREADY_RUNS, EXIT_REFUSED } from './role-process.ts';
import type { StartedChild } from './role-spawn.ts';

/** How often a process that is not this one's child is looked at, ms. */
const WATCH_MS = 50;
/** How often the record of a starting process is read, ms. */
const RECORD_MS = 10;
/** From SIGTERM to SIGKILL, ms. */
const STOP_MS = 45_000;

export interface RoleState {
  readonly role: Role;
  readonly state: 'starting' | 'ready' | 'down' | 'refused' | 'stopped';
  readonly pid: number | null;
  readonly since: number;
  readonly readyMs: number | null;
  /** It ran already when this supervisor came. */
  readonly adopted: boolean;
  readonly restarts: number;
  readonly message: string | null;
  readonly next: string | null;
}

/**
 * One role kept running: adopted when it runs, started when it does not, started again when it ends.
 *
 *   starting → ready → down → starting …
 *   starting → refused            it said that something must be mended first
 *   any → stopped                 `stop` was called
 */
export class SupervisedProcess {
  readonly role: Role;
  readonly #data: DataDirectory;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #table: ProcessTable;
  readonly #file: LogFile;
  readonly #spawn: () => Promise<StartedChild>;
  readonly #changed: (state: RoleState) => void;
  readonly #stopped = new AbortController();
  #deaths: Death[] = [];
  #state: RoleState;
  #loop: Promise<void> | undefined;
  #child: StartedChild | undefined;
  #adopted: ProcessIdentity | undefined;

  constructor(options: {
    readonly role: Role;
    readonly data: DataDirectory;
    readonly log: Log;
    readonly clock: Clock;
    readonly table: ProcessTable;
    readonly file: LogFile;
    readonly spawn: () => Promise<StartedChild>;
    readonly changed: (state: RoleState) => void;
  }) {
    this.role = options.role;
    this.#data = options.data;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#table = options.table;
    this.#file = options.file;
    this.#spawn = options.spawn;
    this.#changed = options.changed;
    this.#state = {
      role: options.role,
      state: 'down',
      pid: null,
      since: options.clock.now(),
      readyMs: null,
      adopted: false,
      restarts: 0,
      message: null,
      next: null,
    };
  }

  get state(): RoleState {
    return this.#state;
  }

  start(): void {
    this.#loop ??= this.#keep();
  }

  /**
   * Ends it: SIGTERM, then SIGKILL when it does not obey. Returns when it is gone. With `ownOnly` what the
   * record says does not count: its directory may be another Slipway's by now.
   */
  async stop(options: { killAfterMs?: number; ownOnly?: boolean } = {}): Promise<void> {
    this.#stopped.abort();
    const own = (await this.#childIdentity()) ?? this.#adopted;
    const identity = own ?? (options.ownOnly === true ? undefined : await this.#running());
    if (
      identity !== undefined &&
      !(await endProcess(this.#table, identity, options.killAfterMs ?? STOP_MS))
    ) {
      this.#log.warn('a process did not end on SIGTERM and was killed', {
        role: this.role,
        pid: identity.pid,
      });
    }
    await this.#loop;
    this.#set({ state: 'stopped', pid: null, message: null, next: null });
  }

  async #keep(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const running = await this.#running();
      const end = running === undefined ? await this.#runChild() : await this.#watch(running);
      if (this.#stopped.signal.aborted || end === 'refused') return;
      if (end !== 'elsewhere') await this.#pause();
    }
  }

  async #running(): Promise<ProcessRecord | undefined> {
    const record = readRecord(this.#data, this.role);
    return record !== undefined && (await runs(this.#table, record)) ? record : undefined;
  }

  /** A process that another supervisor started: adopted, and looked at until it is gone. */
  async #watch(record: ProcessRecord): Promise<'ended'> {
    this.#set({ state: 'starting', pid: record.pid, adopted: true, message: null, next: null });
    this.#log.info('adopted a running process', { role: this.role, pid: record.pid });
    this.#adopted = { pid: record.pid, startTime: record.startTime };
    const gone = new AbortController();
    const ready = this.#followRecord(record.pid, gone.signal);
    while (!this.#stopped.signal.aborted && (await runs(this.#table, record))) await this.#sleep(WATCH_MS);
    gone.abort();
    await ready;
    this.#adopted = undefined;
    this.#ended(`process ${record.pid} is gone`, 0);
    return 'ended';
  }

  async #runChild(): Promise<'ended' | 'refused' | 'elsewhere'> {
    const position = this.#file.size();
    let child: StartedChild;
    try {
      child = await this.#spawn();
    } catch (error) {
      this.#ended(`it cannot be started: ${messageOf(error)}`, position);
      return 'ended';
    }
    this.#child = child;
    // `stop` may have come while it was being started, and have seen no process.
    if (this.#stopped.signal.aborted) sendSignal(child.pid, 'SIGTERM');
    this.#set({ state: 'starting', pid: child.pid, adopted: false, message: null, next: null });
    const gone = new AbortController();
    const ready = this.#followRecord(child.pid, gone.signal);
    const { code, signal: by } = await child.ended;
    this.#child = undefined;
    gone.abort();
    await ready;
    if (code === EXIT_ALREADY_RUNS) return 'elsewhere';
    if (code === EXIT_REFUSED) return this.#refused();
    this.#ended(by === null ? `exit code ${code}` : `signal ${by}`, position);
    return 'ended';
  }

  /** Takes over what the process says of itself, until it is ready or gone. */
  async #followRecord(pid: number, gone: AbortSignal): Promise<void> {
    // Once it is stopped no sleep lasts: such a loop would keep the event of the end from coming.
    while (!gone.aborted && !this.#stopped.signal.aborted) {
      const record = readRecord(this.#data, this.role);
      if (record?.pid === pid && record.state === 'ready') {
        this.#set({ state: 'ready', readyMs: record.readyMs });
        return;
      }
      await this.#sleep(RECORD_MS);
    }
  }

  #refused(): 'refused' {
    const record = readRecord(this.#data, this.role);
    const message = record?.message ?? `the ${this.role} refused to start`;
    this.#log.error('a process refused to start', { role: this.role, why: message });
    this.#set({ state: 'refused', pid: null, message, next: record?.next ?? null });
    return 'refused';
  }

  #ended(how: string, position: number): void {
    if (this.#stopped.signal.aborted) return;
    this.#deaths.push({ at: this.#clock.monotonic(), wasReady: this.#state.state === 'ready' });
    this.#deaths = this.#deaths.slice(-50);
    const tail = this.#file.tail(position, 5);
    const message = [`${this.role} ended: ${how}`, ...tail].join('\n');
    this.#log.error('a process ended', { role: this.role, pid: this.#state.pid, how, tail });
    this.#set({ state: 'down', pid: null, message, restarts: this.#state.restarts + 1 });
  }

  async #pause(): Promise<void> {
    const ms = restartDelayMs(this.#deaths, this.#clock.monotonic());
    if (ms > 0) await this.#sleep(ms);
  }

  /** The child may have no record yet. */
  async #childIdentity(): Promise<ProcessIdentity | undefined> {
    if (this.#child === undefined) return undefined;
    const entry = await this.#table.get(this.#child.pid);
    return entry === undefined ? undefined : { pid: entry.pid, startTime: entry.startTime };
  }

  /** Ends early, without an error, when this is stopped. */
  async #sleep(ms: number): Promise<void> {
    await this.#clock.sleep(ms, this.#stopped.signal).catch(() => undefined);
  }

  #set(change: Partial<RoleState>): void {
    this.#state = { ...this.#state, since: this.#clock.now(), ...change };
    this.#changed(this.#state);
  }
}
