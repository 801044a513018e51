import type { Clock } from './clock.ts';
import type { ProcessTable } from './process-table.ts';
import type { ProcessIdentity } from './processes.ts';

/** One look at every watched process; a signal 0 costs a microsecond, so hundreds are no load. */
const LOOK_MS = 40;
/** A pid that is alive may be another process by now; the start time is compared this often. */
const COMPARE_EVERY = 25;

interface Watched {
  readonly identity: ProcessIdentity;
  readonly ended: () => void;
  looks: number;
}

/**
 * Notices the end of processes that are not this process's children (those it adopted): the kernel tells
 * nobody else than the parent, so one timer looks at all of them, and none runs while nothing is watched.
 */
export class ExitWatch {
  readonly #clock: Clock;
  readonly #table: ProcessTable;
  readonly #watched = new Set<Watched>();
  #timer: Disposable | undefined;

  constructor(clock: Clock, table: ProcessTable) {
    this.#clock = clock;
    this.#table = table;
  }

  /** Calls `ended` once, when the process is gone; disposing forgets it. */
  watch(identity: ProcessIdentity, ended: () => void): Disposable {
    const watched: Watched = { identity, ended, looks: 0 };
    this.#watched.add(watched);
    this.#arm();
    return { [Symbol.dispose]: () => this.#watched.delete(watched) };
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#watched.size === 0) return;
    this.#timer = this.#clock.setTimer(LOOK_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    await Promise.all([...this.#watched].map((watched) => this.#lookAt(watched)));
    this.#timer = undefined;
    this.#arm();
  }

  async #lookAt(watched: Watched): Promise<void> {
    watched.looks += 1;
    if (exists(watched.identity.pid)) {
      if (watched.looks % COMPARE_EVERY !== 1) return;
      const entry = await this.#table.get(watched.identity.pid);
      if (entry !== undefined && !entry.zombie && entry.startTime === watched.identity.startTime) return;
    }
    if (this.#watched.delete(watched)) watched.ended();
  }
}

/** Whether any process has this pid; one of another user counts. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
