import type { ApiObject } from '../api/meta.ts';
import { SlipwayError } from '../lib/errors.ts';
import { FRESH_JSON, type JsonText, objectOf } from './document.ts';
import type { Entry, History } from './history.ts';
import { hasLabels } from './selection.ts';
import type { WatchEvent, WatchOptions } from './store.ts';

/** Wakes watchers. It carries no data: they read the history. */
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

/**
 * A watch over a store's history. It pulls, so a slow reader costs nothing but its place; when the history
 * is compacted past that place it ends with `gone`. "From now on" means from this call, not from the first
 * `next()`. `history` is asked for again at each turn, since a store may begin a new one.
 */
export function watchHistory<T extends ApiObject>(
  history: () => History,
  wakeup: Wakeup,
  kind: string,
  options: WatchOptions,
  json: JsonText = FRESH_JSON,
): AsyncIterable<WatchEvent<T>> {
  const start = options.since ?? String(history().head);
  return { [Symbol.asyncIterator]: () => follow(history, wakeup, kind, options, start, json) };
}

async function* follow<T extends ApiObject>(
  history: () => History,
  wakeup: Wakeup,
  kind: string,
  options: WatchOptions,
  start: string,
  json: JsonText,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  let cursor = parseVersion(start);
  while (!options.signal.aborted) {
    if (wakeup.closed !== undefined) throw wakeup.closed;
    const log = history();
    requireKept(log, cursor);
    const entry = log.entries[log.indexAfter(cursor)];
    if (entry === undefined) {
      await wakeup.wait(options.signal);
      continue;
    }
    cursor = entry.version;
    const event = selected<T>(entry, kind, options, json);
    if (event !== undefined) yield event;
  }
}

/** Throws `gone` where changes after `version` are not all there. */
export function requireKept(history: Pick<History, 'head' | 'compacted'>, version: number): void {
  const next = 'list again and watch from the version of the list';
  if (version < history.compacted) {
    const message = `changes after version ${version} are no longer kept (compacted up to ${history.compacted})`;
    throw new SlipwayError('gone', message, { next });
  }
  if (version > history.head) {
    const message = `version ${version} is ahead of this store (${history.head}): it was not this store that gave it out`;
    throw new SlipwayError('gone', message, { next });
  }
}

/** A resourceVersion as a number; `badRequest` for anything else. */
export function parseVersion(text: string): number {
  const version = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(version)) return version;
  throw new SlipwayError('badRequest', `${JSON.stringify(text)} is no resourceVersion`);
}

/**
 * The event as this watch sees it, if it does. By labels as Kubernetes has it: an object that begins to match
 * is ADDED, one that ceases to match is DELETED.
 */
function selected<T extends ApiObject>(
  entry: Entry,
  kind: string,
  { namespace, labels }: WatchOptions,
  json: JsonText,
): WatchEvent<T> | undefined {
  if (entry.kind !== kind || (namespace !== undefined && entry.namespace !== namespace)) return undefined;
  if (labels === undefined) return { type: entry.type, object: objectOf<T>(entry.document, json) };
  const did = entry.before !== undefined && hasLabels(entry.before.document.rest.metadata, labels);
  const does = entry.type !== 'DELETED' && hasLabels(entry.document.rest.metadata, labels);
  if (!did && !does) return undefined;
  const type = did && does ? 'MODIFIED' : does ? 'ADDED' : 'DELETED';
  return { type, object: objectOf<T>(entry.document, json) };
}
