import type { ApiObject, Stored } from '../api/meta.ts';
import { SlipwayError } from '../lib/errors.ts';
import { matchesLabels } from './selection.ts';
import type { WatchEvent, WatchOptions } from './store.ts';

/** One change as an adapter keeps it. Bodies are JSON text of the whole object. */
export interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly body: string;
  /** The object as it was before the change; undefined when it is new. */
  previous(): string | undefined;
}

/** What a watch reads. Changes stay until they are compacted, so a watch needs no buffer of its own. */
export interface ChangeLog {
  /** The latest version that was given out. */
  head(): number;
  /** Changes up to and including this version are forgotten. */
  compacted(): number;
  /** The next changes of one kind, oldest first, and the version up to which nothing was passed over. */
  after(
    kind: string,
    version: number,
    limit: number,
    namespace: string | undefined,
  ): { readonly changes: readonly Change[]; readonly through: number };
}

/** Wakes watchers. It carries no data: they read the log. */
export class Wakeup {
  #waiting = new Set<() => void>();
  #closed: SlipwayError | undefined;

  notify(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Ends every watch with this error, also those that begin later. */
  close(error: SlipwayError): void {
    this.#closed = error;
    this.notify();
  }

  get closed(): SlipwayError | undefined {
    return this.#closed;
  }

  /** Resolves at the next notify or when the signal is aborted, whichever is first. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

const BATCH = 100;

/**
 * A watch over a log. It pulls, so a slow reader costs nothing but its place; when the log is compacted past
 * that place it ends with `gone`. "From now on" means from this call, not from the first `next()`.
 */
export function watchLog<T extends ApiObject>(
  log: ChangeLog,
  wakeup: Wakeup,
  kind: string,
  options: WatchOptions,
): AsyncIterable<WatchEvent<T>> {
  const start = options.since ?? String(log.head());
  return { [Symbol.asyncIterator]: () => follow(log, wakeup, kind, options, start) };
}

async function* follow<T extends ApiObject>(
  log: ChangeLog,
  wakeup: Wakeup,
  kind: string,
  options: WatchOptions,
  start: string,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  let cursor = parseVersion(start);
  while (!options.signal.aborted) {
    if (wakeup.closed !== undefined) throw wakeup.closed;
    requireKept(log, cursor);
    const { changes, through } = log.after(kind, cursor, BATCH, options.namespace);
    for (const change of changes) {
      const event = selected<T>(change, options.labels);
      if (event !== undefined) yield event;
      if (options.signal.aborted) return;
      cursor = change.version;
    }
    cursor = Math.max(cursor, through);
    if (changes.length === 0 && cursor >= log.head()) await wakeup.wait(options.signal);
  }
}

/** Throws `gone` where changes after `version` are not all there. */
export function requireKept(log: Pick<ChangeLog, 'head' | 'compacted'>, version: number): void {
  const next = 'list again and watch from the version of the list';
  if (version < log.compacted()) {
    throw new SlipwayError(
      'gone',
      `changes after version ${version} are no longer kept (compacted up to ${log.compacted()})`,
      { next },
    );
  }
  if (version > log.head()) {
    throw new SlipwayError(
      'gone',
      `version ${version} is ahead of this store (${log.head()}): it was not this store that gave it out`,
      { next },
    );
  }
}

/** A resourceVersion as a number; `badRequest` for anything else. */
export function parseVersion(text: string): number {
  const version = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(version)) return version;
  throw new SlipwayError('badRequest', `${JSON.stringify(text)} is no resourceVersion`);
}

/**
 * The event as a watch with a label selector sees it, as Kubernetes has it: an object that begins to match
 * is ADDED, one that ceases to match is DELETED.
 */
function selected<T extends ApiObject>(
  change: Change,
  labels: Readonly<Record<string, string>> | undefined,
): WatchEvent<T> | undefined {
  const object = JSON.parse(change.body) as Stored<T>;
  if (labels === undefined) return { type: change.type, object };
  const before = change.previous();
  const did = before !== undefined && matchesLabels(JSON.parse(before) as Stored, labels);
  const does = change.type !== 'DELETED' && matchesLabels(object, labels);
  if (did && does) return { type: 'MODIFIED', object };
  if (does) return { type: 'ADDED', object };
  return did ? { type: 'DELETED', object } : undefined;
}
