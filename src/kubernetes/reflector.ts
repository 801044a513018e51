import type { Clock } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import { KnownObjects, type ObjectEvent } from '../lib/known-objects.ts';
import type { Log } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import type { KubernetesClient } from './api-client.ts';
import { waitAfter } from './repeat.ts';
import { describeResource, type KubernetesObject, type ResourceType } from './resource-type.ts';
import { resumingWatch } from './resuming-watch.ts';
import type { Selection } from './selection.ts';

const WAITS = { firstMs: 200, lastMs: 30_000, factor: 2 };
/** A watch that stood for so long was a good one: what ends it then is no failure that follows on others. */
const GOOD_MS = 30_000;

export interface Reflection<T extends KubernetesObject> {
  /** What is known now; a moment behind the server. */
  readonly known: Pick<KnownObjects<T>, 'get' | 'values' | 'size'>;
  /** Resolves with the first list; rejects with the signal's reason. */
  readonly listed: Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
}

export interface ReflectorOptions<T extends KubernetesObject> {
  readonly client: KubernetesClient;
  readonly type: ResourceType;
  readonly selection?: Selection;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Of one list request. Default 500. */
  readonly pageSize?: number;
  readonly silenceMs?: number;
  /** What becomes known, in order. What it throws is logged and ends nothing. */
  told?(event: ObjectEvent<T>): void;
}

/**
 * Keeps up with one kind for as long as the signal lives: lists it in pages, watches from there, and lists again
 * where the watch cannot go on (410). Nothing ends it: what fails is tried again with growing, jittered waits, since
 * whoever stops listening acts on what is no longer so (kubernetes-client/javascript's informer stops for good after
 * a 500 or a reset).
 */
export function reflect<T extends KubernetesObject>(options: ReflectorOptions<T>): Reflection<T> {
  const known = new KnownObjects<T>();
  const { promise: listed, resolve, reject } = Promise.withResolvers<void>();
  // Whoever does not wait for it must not be ended by it.
  listed.catch(() => undefined);
  const ended = run(options, known, resolve).finally(() => reject(options.signal.reason));
  return { known, listed, ended };
}

async function run<T extends KubernetesObject>(
  options: ReflectorOptions<T>,
  known: KnownObjects<T>,
  listed: () => void,
): Promise<void> {
  const { client, type, selection = {}, clock, random, log, signal, pageSize, silenceMs } = options;
  const what = describeResource(type, selection);
  const tell = (events: readonly ObjectEvent<T>[]) => {
    for (const event of events) {
      try {
        options.told?.(event);
      } catch (error) {
        log.error('a change could not be handled', { what, error });
      }
    }
  };
  let failures = 0;
  while (!signal.aborted) {
    let listedAt: number | undefined;
    try {
      const { items, resourceVersion } = await client.listAll<T>(type, selection, {
        limit: pageSize,
        signal,
      });
      if (signal.aborted) return;
      tell(known.replace(items));
      listedAt = clock.monotonic();
      listed();
      const watch = resumingWatch<T>({
        ...{ client, type, selection, resourceVersion, clock, random, signal },
        ...(silenceMs === undefined ? {} : { silenceMs }),
        broke: (error) => log.debug('a watch broke and goes on', { what, error }),
      });
      for await (const { type: change, object } of watch)
        tell(known.hear({ type: change as ObjectEvent<T>['type'], object }));
    } catch (error) {
      if (signal.aborted) return;
      if (listedAt !== undefined && clock.monotonic() - listedAt >= GOOD_MS) failures = 0;
      failures += 1;
      // Ordinary after a long break: everything is listed, and the difference told. A watch that gives up has failed
      // for long, and what is known is older than that.
      const isOrdinary = isSlipwayError(error, 'gone') || (failures < 3 && listedAt === undefined);
      log[isOrdinary ? 'debug' : 'warn']('listing again', { what, failures, error });
      await clock.sleep(waitAfter(failures, WAITS, random, error), signal).catch(() => undefined);
    }
  }
}
