import { setImmediate as turn } from 'node:timers/promises';
import type { ApiObject, Stored } from '../api/meta.ts';
import { API_VERSION } from '../api/meta.ts';
import { isSlipwayError, SlipwayError } from '../lib/errors.ts';
import { publicError, toStatus } from '../lib/status.ts';
import type { WatchEvent } from '../store/store.ts';
import type { ServerDependencies } from './dependencies.ts';
import { LineStream, ReaderStalled } from './line-stream.ts';
import type { Answer, Call } from './route.ts';
import { isTrue, parseCount, parseFieldSelector, parseLabelSelector, parseSince } from './selectors.ts';

/**
 * A watch as Kubernetes speaks it: one JSON event a line. Without a resourceVersion the present objects come
 * first as ADDED; with one, every change after it; `410` where those changes are no longer kept. The store
 * is pulled, so that a slow reader costs its place in the log and no memory.
 */
export async function serveWatch(
  call: Call,
  kind: string,
  deps: ServerDependencies,
  present: (object: Stored) => unknown,
): Promise<Answer> {
  const { store, clock, limits } = deps;
  const labels = parseLabelSelector(call.query.labelSelector);
  const name = parseFieldSelector(call.query.fieldSelector);
  const seconds = parseCount(call.query.timeoutSeconds, 'timeoutSeconds', 86_400);
  const filter = { namespace: call.namespace, ...(labels === undefined ? {} : { labels }) };
  const wanted = (object: Stored) => name === undefined || object.metadata.name === name;

  let since = parseSince(call.query.resourceVersion);
  let initial: readonly Stored[] = [];
  if (since === undefined) {
    const list = await store.list(kind, filter);
    initial = list.items.filter(wanted);
    since = list.resourceVersion;
  }

  const ending = new AbortController();
  const signal = AbortSignal.any([call.signal, ending.signal]);
  const events = store.watch(kind, { ...filter, since, signal })[Symbol.asyncIterator]();
  const first = events.next();
  // A version that is no longer kept is known at once: an HTTP status is clearer than an event.
  const early = await Promise.race([
    first.then(
      () => undefined,
      (error: unknown) => ({ error }),
    ),
    turn(undefined),
  ]);
  if (early !== undefined) throw early.error;

  const stream = new LineStream(call.takeOver(200, { 'content-type': 'application/json' }), {
    stallMs: limits.stallMs,
    clock,
  });
  const longest =
    seconds === undefined || seconds === 0 ? limits.watchMs : Math.min(seconds * 1_000, limits.watchMs);
  const timer = clock.setTimer(longest, () => ending.abort());
  const bookmarks = isTrue(call.query.allowWatchBookmarks) ? keepBookmarks(kind, deps, stream) : undefined;
  try {
    for (const object of initial) await stream.write({ type: 'ADDED', object: present(object) });
    await copy(events, first, async (event) => {
      bookmarks?.delivered();
      if (wanted(event.object)) await stream.write({ type: event.type, object: present(event.object) });
    });
  } catch (error) {
    if (error instanceof ReaderStalled)
      deps.log.info('a watch was cut', { kind, by: call.identity.name, error: error.message });
    else await endWithError(stream, error, deps);
  } finally {
    ending.abort();
    timer[Symbol.dispose]();
    bookmarks?.[Symbol.dispose]();
    stream.end();
  }
  return 'sent';
}

async function copy(
  events: AsyncIterator<WatchEvent<ApiObject>>,
  first: Promise<IteratorResult<WatchEvent<ApiObject>>>,
  send: (event: WatchEvent<ApiObject>) => Promise<void>,
): Promise<void> {
  for (let result = await first; result.done !== true; result = await events.next()) await send(result.value);
}

async function endWithError(stream: LineStream, error: unknown, deps: ServerDependencies): Promise<void> {
  const known = publicError(error);
  if (known.code === 'internal') deps.log.error('a watch failed', { error });
  await stream.write({ type: 'ERROR', object: toStatus(known) }).catch((cause: unknown) => {
    if (!(cause instanceof ReaderStalled)) throw cause;
  });
}

/**
 * Tells a quiet watcher how far it has seen, so that it need not list again after a pause. A version is read
 * from the store and sent one interval later, and only if no event came in between: whatever was written up
 * to it has then long been delivered.
 */
function keepBookmarks(kind: string, deps: ServerDependencies, stream: LineStream) {
  let candidate: string | undefined;
  let timer: Disposable | undefined;
  let ended = false;
  const schedule = () => {
    timer = deps.clock.setTimer(deps.limits.bookmarkMs, () => void tick());
  };
  const tick = async () => {
    try {
      if (candidate !== undefined && stream.idle) {
        const object = { apiVersion: API_VERSION, kind, metadata: { resourceVersion: candidate } };
        await stream.write({ type: 'BOOKMARK', object });
      }
      const { resourceVersion } = await deps.store.list(kind, { limit: 1 });
      candidate = resourceVersion;
    } catch (error) {
      // The watch itself meets the same trouble and says it; a bookmark only saves work.
      candidate = undefined;
      const known = error instanceof ReaderStalled || isSlipwayError(error);
      if (!known) deps.log.error('a bookmark failed', { kind, error });
    }
    if (!ended) schedule();
  };
  schedule();
  return {
    delivered: () => {
      candidate = undefined;
    },
    [Symbol.dispose]: () => {
      ended = true;
      timer?.[Symbol.dispose]();
    },
  };
}

/** For handlers that stream: refuses what Kubernetes knows and this server does not. */
export function refuseUnknownWatch(query: Readonly<Record<string, string>>): void {
  if (isTrue(query.sendInitialEvents)) {
    throw new SlipwayError(
      'invalid',
      'sendInitialEvents is not understood: leave resourceVersion away for the same',
    );
  }
}
