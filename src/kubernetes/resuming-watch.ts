import { anySignal } from '../lib/any-signal.ts';
import type { Clock } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import type { KubernetesClient } from './api-client.ts';
import { waitAfter } from './repeat.ts';
import type { KubernetesObject, ResourceType } from './resource-type.ts';
import type { Selection } from './selection.ts';
import type { WatchStreamEvent } from './watch-stream.ts';

/**
 * A watch hears at least a bookmark a minute (bookmarkFrequency of the API server's watch cache): one that hears
 * nothing for longer is a connection that died without a word.
 */
const SILENCE_MS = 90_000;
/** The server ends a watch by itself after a time between this and twice as long: not all at once, as client-go. */
const SHORTEST_WATCH_S = 300;
const WAITS = { firstMs: 100, lastMs: 10_000, factor: 2 };
/** A connection that stood for so long was a good one: the next begins anew, and at once where the server ended it. */
const GOOD_MS = 1_000;

export interface ResumingWatchOptions {
  readonly client: KubernetesClient;
  readonly type: ResourceType;
  readonly selection: Selection;
  /** Every change after this version is told. */
  readonly resourceVersion: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** A connection broke and another one is tried. */
  readonly broke?: (error: unknown) => void;
  /** Default 90 s. */
  readonly silenceMs?: number;
}

/** Failures in a row, some 20 s of them, after which whoever listens is told: it knows too little, and lists again. */
const MOST_FAILURES = 8;

/**
 * Every change after a version, in order and once, over as many connections as it takes. Ends when the signal is
 * aborted; rejects with `gone` where the version that was reached is too old to go on from (list again), with what
 * does not pass (a kind that is not served, a right that is missing), and with what fails again and again.
 */
export async function* resumingWatch<T extends KubernetesObject>(
  options: ResumingWatchOptions,
): AsyncGenerator<WatchStreamEvent<T>, void, undefined> {
  const { clock, random, signal } = options;
  let reached = options.resourceVersion;
  let failures = 0;
  while (!signal.aborted) {
    let stoodAt: number | undefined;
    let failure: unknown;
    const stands = () => {
      stoodAt ??= clock.monotonic();
    };
    try {
      for await (const event of connection<T>(options, reached, stands)) {
        failures = 0;
        reached = event.object.metadata.resourceVersion ?? reached;
        if (event.type !== 'BOOKMARK') yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!mayPass(error) || failures >= MOST_FAILURES) throw error;
      failure = error;
      options.broke?.(error);
    }
    const isGood = stoodAt !== undefined && clock.monotonic() - stoodAt >= GOOD_MS;
    if (isGood) failures = 0;
    // Its time was over: the next one begins at once. One that ends as soon as it stands would be asked without end.
    if (isGood && failure === undefined) continue;
    failures += 1;
    await clock.sleep(waitAfter(failures, WAITS, random, failure), signal).catch(() => undefined);
  }
}

async function* connection<T extends KubernetesObject>(
  options: ResumingWatchOptions,
  resourceVersion: string,
  stands: () => void,
): AsyncGenerator<WatchStreamEvent<T>, void, undefined> {
  const { client, type, selection, clock, random, silenceMs = SILENCE_MS } = options;
  const silent = new AbortController();
  let timer: Disposable | undefined;
  const stop = () => timer?.[Symbol.dispose]();
  const listen = () => {
    stop();
    timer = clock.setTimer(silenceMs, () => silent.abort(new SilentWatch(silenceMs)));
  };
  using over = anySignal([options.signal, silent.signal]);
  const heard = () => {
    stands();
    listen();
  };
  listen();
  try {
    const events = client.watch<T>(type, selection, {
      ...{ resourceVersion, heard, signal: over.signal },
      timeoutSeconds: Math.round(SHORTEST_WATCH_S * (1 + random.next())),
    });
    for await (const event of events) {
      // As long as whoever listens is busy the silence is not the server's.
      stop();
      yield event;
      listen();
    }
  } catch (error) {
    throw silent.signal.aborted ? silent.signal.reason : error;
  } finally {
    stop();
  }
}

class SilentWatch extends Error {
  override readonly name = 'SilentWatch';
  constructor(ms: number) {
    super(`the watch heard nothing for ${ms} ms, not even a bookmark`);
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof SilentWatch ||
  isSlipwayError(error, 'unavailable') ||
  isSlipwayError(error, 'timeout') ||
  isSlipwayError(error, 'internal') ||
  // Credentials are renewed: what is refused now may be accepted in a minute.
  isSlipwayError(error, 'unauthorized');
