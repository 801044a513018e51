import type { ApiObject, Stored } from '../api/meta.ts';
import type { Clock } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';

export interface FollowOptions<T extends ApiObject> {
  readonly store: Store;
  readonly kind: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** All there are; what is not among them is gone. Then changes, in order. */
  listed(objects: readonly Stored<T>[]): void;
  changed(object: Stored<T>): void;
  deleted(object: Stored<T>): void;
}

const PAGE = 500;
const RETRY_MS = 200;

/** Keeps up with one kind: lists, watches from there, and lists again when the watch cannot go on. */
export async function follow<T extends ApiObject>(options: FollowOptions<T>): Promise<void> {
  const { store, kind, clock, log, signal } = options;
  while (!signal.aborted) {
    try {
      const { objects, version } = await listAll<T>(store, kind);
      options.listed(objects);
      for await (const event of store.watch<T>(kind, { since: version, signal })) {
        if (event.type === 'DELETED') options.deleted(event.object);
        else options.changed(event.object);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isSlipwayError(error, 'gone')) continue;
      log.warn('a watch broke and begins again', { kind, error });
      await clock.sleep(RETRY_MS, signal).catch(() => {
        // Stopped while waiting: the loop's condition ends it.
      });
    }
  }
}

async function listAll<T extends ApiObject>(
  store: Store,
  kind: string,
): Promise<{ objects: Stored<T>[]; version: string }> {
  const objects: Stored<T>[] = [];
  let continueToken: string | undefined;
  let version: string | undefined;
  do {
    const page = await store.list<T>(kind, {
      limit: PAGE,
      ...(continueToken === undefined ? {} : { continueToken }),
    });
    objects.push(...page.items);
    // Changes between two pages come again by the watch, which begins at the first page's version.
    version ??= page.resourceVersion;
    continueToken = page.continueToken;
  } while (continueToken !== undefined);
  return { objects, version: version ?? '0' };
}
