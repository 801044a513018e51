import type { ApiObject, Stored } from '../api/meta.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import { jsonLines } from '../lib/json-lines.ts';
import { KnownObjects } from '../lib/known-objects.ts';
import { fromAnswer, isStatus } from '../lib/status.ts';
import type { ListResult, WatchEvent } from '../store/store.ts';
import type { HttpClient } from './http-client.ts';

/**
 * A watch that goes on over broken connections and restarts of the manager: it resumes after the last event,
 * and where the server has forgotten that place (`410`) it lists again and tells the difference as events, so
 * that a reader of the events alone always ends up with what is there.
 */
export interface WatchSource<T extends ApiObject> {
  readonly client: HttpClient;
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly list: () => Promise<ListResult<T>>;
  readonly since: string | undefined;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
}

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 2_000;

export async function* watchResumed<T extends ApiObject>(
  source: WatchSource<T>,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const clock = source.clock ?? systemClock();
  const known = new KnownObjects<Stored<T>>();
  let since = source.since;
  let delay = FIRST_DELAY_MS;
  while (!source.signal.aborted) {
    try {
      if (since === undefined) {
        const list = await source.list();
        yield* known.replace(list.items);
        since = list.resourceVersion;
      }
      for await (const event of connection<T>(source, since)) {
        delay = FIRST_DELAY_MS;
        since = event.object.metadata.resourceVersion;
        if (event.type === 'BOOKMARK') continue;
        yield* known.hear(event as WatchEvent<T>);
      }
      // The server ended the stream (its time was over, or it stops): resume.
    } catch (error) {
      if (source.signal.aborted) return;
      if (isSlipwayError(error, 'gone')) since = undefined;
      else if (!mayPass(error)) throw error;
    }
    if (source.signal.aborted) return;
    await clock.sleep(delay * (0.5 + Math.random()), source.signal).catch(() => undefined);
    delay = Math.min(delay * 2, LONGEST_DELAY_MS);
  }
}

type StreamEvent = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'; object: Stored };

async function* connection<T extends ApiObject>(
  source: WatchSource<T>,
  since: string,
): AsyncGenerator<StreamEvent, void, undefined> {
  const { client, path, query, signal } = source;
  const response = await client.open({
    method: 'GET',
    path,
    query: { ...query, watch: '1', allowWatchBookmarks: 'true', resourceVersion: since },
    signal,
    stream: true,
  });
  for await (const value of jsonLines(response)) {
    const event = value as StreamEvent;
    if (event.type === 'ERROR') {
      const status: unknown = event.object;
      throw fromAnswer(isStatus(status) ? status.code : 500, status);
    }
    yield event;
  }
}

/** A manager that restarts comes back; a token that is refused does not. */
const mayPass = (error: unknown): boolean =>
  isSlipwayError(error, 'unavailable') ||
  isSlipwayError(error, 'timeout') ||
  isSlipwayError(error, 'internal');
