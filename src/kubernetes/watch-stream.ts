import { jsonLines } from '../lib/json-lines.ts';
import type { ApiConnection } from './api-connection.ts';
import { errorOfAnswer } from './api-error.ts';
import { describeResource, type KubernetesObject, type ResourceType, resourcePath } from './resource-type.ts';
import { type Selection, selectors } from './selection.ts';

export interface WatchStreamEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

export interface WatchStreamOptions {
  /** Every change after this version is told. */
  readonly resourceVersion: string;
  /** The server ends it after this. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** Called for each event, and when the connection stands. */
  readonly heard?: () => void;
}

/**
 * One watch connection, from a version on: it ends when the server ends it, and rejects with `gone` (410) where that
 * version is too old, or `unavailable` where it breaks. `resumingWatch` goes on over all but the first.
 */
export async function* watchStream<T extends KubernetesObject>(
  connection: Pick<ApiConnection, 'open'>,
  type: ResourceType,
  selection: Selection,
  { resourceVersion, timeoutSeconds, signal, heard }: WatchStreamOptions,
): AsyncGenerator<WatchStreamEvent<T>, void, undefined> {
  const what = `watch ${describeResource(type, selection)}`;
  const response = await connection.open({
    ...{ method: 'GET', path: resourcePath(type, selection), what, signal, stream: true },
    query: {
      ...selectors(selection),
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: timeoutSeconds.toString(),
    },
  });
  heard?.();
  for await (const line of jsonLines(response)) {
    heard?.();
    const event = line as
      | WatchStreamEvent<T>
      | { readonly type: 'ERROR'; readonly object: { code?: number } };
    if (event.type === 'ERROR') throw errorOfAnswer(what, event.object.code ?? 500, event.object, undefined);
    yield event;
  }
}
