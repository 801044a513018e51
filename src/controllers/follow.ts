import type { ApiObject, Stored } from '../api/meta.ts';
import type { Clock } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';

/**
 * Lists a kind, then watches it for ever, and tells of every object that is or changed. What was compacted away
 * is listed again; a listing tells of everything, so that no change is missed, only told twice. The callback
 * must not throw and carries no data further than a key: whoever acts reads again.
 */
export function follow<T extends ApiObject>(
  store: Store,
  kind: string,
  options: { clock: Clock; log: Log; signal: AbortSignal },
  tell: (object: Stored<T>, type: 'ADDED' | 'MODIFIED' | 'DELETED') => void,
): { readonly listed: Promise<void> } {
  let firstListed: () => void = () => {};
  const listed = new Promise<void>((resolve) => {
    firstListed = resolve;
  });
  void (async () => {
    while (!options.signal.aborted) {
      try {
        const { items, resourceVersion } = await store.list<T>(kind);
        for (const item of items) tell(item, 'ADDED');
        firstListed();
        for await (const event of store.watch<T>(kind, { since: resourceVersion, signal: options.signal }))
          tell(event.object, event.type);
      } catch (error) {
        if (options.signal.aborted) return;
        if (!isSlipwayError(error, 'gone')) options.log.error('watch failed, listing again', { kind, error });
        await options.clock.sleep(100, options.signal).catch(() => undefined);
      }
    }
  })();
  return { listed };
}
