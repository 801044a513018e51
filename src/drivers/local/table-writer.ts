import { type Clock, instant } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { RouterControl } from '../../router/control-client.ts';
import type { Backend, Route, RouteTable } from '../../router/table.ts';
import { retryDelayMs } from './backoff.ts';
import { coalesced } from './coalesce.ts';
import type { JsonFile } from './json-file.ts';

/** A full disk, here or at the router, is tried again after this long. */
const RETRY_MS = 1_000;

export interface TableContent {
  readonly routes: readonly Route[];
  readonly backends: readonly Backend[];
}

/** A table in force: every request that starts from now on follows it. */
export interface Acknowledged {
  readonly table: RouteTable;
  /** From the write to the acknowledgement, in ms; 0 where nothing had to be written. */
  readonly ms: number;
  readonly at: string;
}

/**
 * The one writer of the router's table. `content` is asked when a write begins, so that writes asked for
 * meanwhile are one. A table is durable here before the router gets it (INV-13): its number is never used
 * for another one, and an agent that restarts knows which instances serve before it has probed any.
 *
 * While the router is away it keeps trying: whoever waits goes on waiting, since what they changed stands.
 */
export class TableWriter {
  readonly #options: TableWriterOptions;
  readonly #write: () => Promise<Acknowledged>;
  #acknowledged: Acknowledged;
  #serving: ReadonlySet<string> = new Set();
  #away = false;

  constructor(options: TableWriterOptions) {
    this.#options = options;
    // What the file says may never have reached the router, so nothing is acknowledged yet, and the first
    // write is made in any case.
    this.#acknowledged = {
      table: { generation: 0, routes: [], backends: [] },
      ms: 0,
      at: instant(options.clock.now()),
    };
    let first = true;
    this.#write = coalesced(async () => {
      const acknowledged = await this.#put(first);
      first = false;
      return acknowledged;
    });
  }

  /** The newest table that the router confirmed. */
  get acknowledged(): Acknowledged {
    return this.#acknowledged;
  }

  /** Whether this instance takes public traffic, as the router confirmed it. */
  isServing(id: string): boolean {
    return this.#serving.has(id);
  }

  /** Whether the router cannot be reached at the moment. */
  get isRouterAway(): boolean {
    return this.#away;
  }

  /** Resolves when what `content` gives now is in force; rejects when the router refuses it. */
  flush(): Promise<Acknowledged> {
    return this.#write();
  }

  /** `flush` for whoever does not wait for it. */
  wake(): void {
    this.flush().catch((error: unknown) => {
      if (this.#options.signal.aborted) return;
      this.#options.log.error('the route table could not be written; trying again', { error });
      this.#options.clock.setTimer(RETRY_MS, () => this.wake());
    });
  }

  async #put(always: boolean): Promise<Acknowledged> {
    const { clock, control, signal } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      signal.throwIfAborted();
      const content = this.#options.content();
      if (!always && sameContent(content, this.#acknowledged.table)) return { ...this.#acknowledged, ms: 0 };
      const table = await this.#number(content);
      const startedAt = clock.monotonic();
      try {
        const { swappedAt } = await control.putTable(table);
        this.#away = false;
        this.#acknowledged = { table, ms: clock.monotonic() - startedAt, at: swappedAt };
        this.#serving = new Set(
          table.backends.filter(({ state }) => state === 'serving').map(({ id }) => id),
        );
        this.#options.onAcknowledged();
        return this.#acknowledged;
      } catch (error) {
        if (!isUnavailable(error) && !(await this.#isBehind(table.generation))) throw error;
        if (!this.#away)
          this.#options.log.warn('the router cannot be reached; trying on', { reason: messageOf(error) });
        this.#away = true;
        await clock.sleep(retryDelayMs(attempt), signal);
      }
    }
  }

  /** Takes the next generation, and keeps it before anybody sees it. */
  async #number(content: TableContent): Promise<RouteTable> {
    const table = { generation: this.#options.file.value.generation + 1, ...content };
    await this.#options.file.save(table);
    return table;
  }

  /** Whether the router holds a higher generation than ours, as after a restored data directory. */
  async #isBehind(generation: number): Promise<boolean> {
    try {
      const held = await this.#options.control.getTable();
      if (held.generation < generation) return false;
      await this.#options.file.save({ ...this.#options.file.value, generation: held.generation });
      return true;
    } catch (error) {
      return isUnavailable(error);
    }
  }
}

export interface TableWriterOptions {
  readonly control: RouterControl;
  readonly file: JsonFile<RouteTable>;
  readonly content: () => TableContent;
  readonly onAcknowledged: () => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const sameContent = (a: TableContent, b: TableContent): boolean =>
  JSON.stringify([a.routes, a.backends]) === JSON.stringify([b.routes, b.backends]);

/** The router's control could not be reached or answer in time: to be tried again, nothing was refused. */
export const isUnavailable = (error: unknown): boolean =>
  error instanceof Error && error.name === 'RouterUnavailable';
