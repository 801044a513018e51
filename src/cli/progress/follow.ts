import type { ApiObject, Stored } from '../../api/meta.ts';
import type { ApiClient, WatchQuery } from '../../server/api-client.ts';

export interface FollowOptions<T extends ApiObject> extends Omit<WatchQuery, 'since'> {
  readonly wanted: (object: Stored<T>) => boolean;
  /** Called after every change with all objects that are wanted now, by name. */
  readonly changed: (objects: ReadonlyMap<string, Stored<T>>) => void;
}

/**
 * Keeps a copy of some objects up to date until the signal. The client's watch goes on over broken
 * connections and restarts of the manager; what it cannot survive (a token that is refused) rejects.
 */
export async function follow<T extends ApiObject>(
  api: ApiClient,
  kind: string,
  { wanted, changed, ...query }: FollowOptions<T>,
): Promise<void> {
  const objects = new Map<string, Stored<T>>();
  for await (const { type, object } of api.watch<T>(kind, query)) {
    if (!wanted(object)) continue;
    if (type === 'DELETED') objects.delete(object.metadata.name);
    else objects.set(object.metadata.name, object);
    changed(objects);
  }
}
