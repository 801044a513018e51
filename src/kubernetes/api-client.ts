import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { ApiConnection, Exchange } from './api-connection.ts';
import { isMissing, KubernetesError } from './api-error.ts';
import type { JsonPatch } from './json-patch.ts';
import { isUnseen, passes, type RepeatOptions, repeat } from './repeat.ts';
import {
  apiVersionOf,
  describeResource,
  type KubernetesObject,
  type ResourceKey,
  type ResourceType,
  resourcePath,
} from './resource-type.ts';
import { type Selection, selectors } from './selection.ts';
import { type WatchStreamEvent, type WatchStreamOptions, watchStream } from './watch-stream.ts';

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** For the next page; undefined at the last. */
  readonly continueToken: string | undefined;
}

export interface WriteOptions {
  /** Everything is checked, admission included, and nothing is stored. */
  readonly dryRun?: boolean;
  readonly subresource?: string;
  /** ms without an answer after which it is given up; default 30 s. */
  readonly timeoutMs?: number;
}

export interface ApiClientOptions {
  readonly connection: ApiConnection;
  readonly clock: Clock;
  readonly random: Random;
  /** Who wrote a field, in managedFields: one name a component. */
  readonly fieldManager: string;
}

/**
 * The Kubernetes API by kind and verb. What the server has not looked at (429) is sent again, whatever it is; what
 * only reads is sent again after a failure that passes (500, 502, 503, 504, no answer). A write that got no answer
 * may have happened: its error is `unavailable`, and whoever wrote reads again.
 */
export class KubernetesClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  /** Undefined where there is none. A kind that is not served rejects with `notFound`. */
  async get<T extends KubernetesObject>(
    type: ResourceType,
    key: ResourceKey,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<T | undefined> {
    try {
      return await this.#read<T>('get', type, key, {}, options);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** One page. `gone` where its continue token is too old. */
  async list<T extends KubernetesObject>(
    type: ResourceType,
    selection: Selection = {},
    page: {
      readonly limit?: number | undefined;
      readonly continueToken?: string | undefined;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<ListPage<T>> {
    const answer = await this.#read<{
      readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
      readonly items: readonly T[] | null;
    }>(
      'list',
      type,
      selection,
      { ...selectors(selection), limit: page.limit?.toString(), continue: page.continueToken },
      { signal: page.signal },
    );
    const { resourceVersion, continue: token } = answer.metadata;
    // Items of a list carry neither kind nor apiVersion.
    const items = (answer.items ?? []).map((item) => ({
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      ...item,
    }));
    return { items, resourceVersion, continueToken: token === '' ? undefined : token };
  }

  /** Every page of one state, with the version that a watch goes on from. */
  async listAll<T extends KubernetesObject>(
    type: ResourceType,
    selection: Selection = {},
    { limit = 500, signal }: { readonly limit?: number | undefined; readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }> {
    const items: T[] = [];
    let page = await this.list<T>(type, selection, { limit, signal });
    const { resourceVersion } = page;
    items.push(...page.items);
    while (page.continueToken !== undefined) {
      page = await this.list<T>(type, selection, { limit, signal, continueToken: page.continueToken });
      items.push(...page.items);
    }
    return { items, resourceVersion };
  }

  create<T extends KubernetesObject>(type: ResourceType, object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    return this.#write<T>(
      'create',
      type,
      { namespace, name },
      {
        method: 'POST',
        path: resourcePath(type, { namespace }),
        query: this.#writeQuery(options),
        ...timeLimit(options),
        ...timeLimit(options),
        body: { apiVersion: apiVersionOf(type), kind: type.kind, ...object },
      },
    );
  }

  /** The object as a whole, at the resourceVersion that it carries (`conflict` where it is another). */
  replace<T extends KubernetesObject>(type: ResourceType, object: T, options: WriteOptions = {}): Promise<T> {
    const { subresource } = options;
    return this.#write<T>('update', type, object.metadata, {
      method: 'PUT',
      path: resourcePath(type, { ...keyOf(object), subresource }),
      query: this.#writeQuery(options),
      ...timeLimit(options),
      body: { apiVersion: apiVersionOf(type), kind: type.kind, ...object },
    });
  }

  /** Changes what is shared with others: where its `test` operations hold, else nothing, and `conflict`. */
  async patch<T extends KubernetesObject>(
    type: ResourceType,
    key: ResourceKey,
    patch: JsonPatch,
    options: WriteOptions = {},
  ): Promise<T> {
    try {
      return await this.#write<T>('patch', type, key, {
        method: 'PATCH',
        path: resourcePath(type, { ...key, subresource: options.subresource }),
        query: this.#writeQuery(options),
        ...timeLimit(options),
        ...timeLimit(options),
        contentType: 'application/json-patch+json',
        body: patch,
      });
    } catch (error) {
      if (error instanceof KubernetesError && isFailedTest(error, patch))
        throw new KubernetesError('conflict', `${error.message} (it is no longer what was read)`, {
          ...error,
        });
      throw error;
    }
  }

  /**
   * Server-side apply of what is ours alone
   * (https://kubernetes.io/docs/reference/using-api/server-side-apply/): fields that this manager applied before
   * and leaves out now go; those of others stay. `conflict` where another manager owns one of them, unless forced.
   */
  apply<T extends KubernetesObject>(
    type: ResourceType,
    object: KubernetesObject,
    options: WriteOptions & { readonly force?: boolean } = {},
  ): Promise<T> {
    return this.#write<T>('apply', type, object.metadata, {
      method: 'PATCH',
      path: resourcePath(type, { ...keyOf(object), subresource: options.subresource }),
      query: { ...this.#writeQuery(options), force: options.force === true ? 'true' : undefined },
      ...timeLimit(options),
      // JSON is YAML, and older servers know this type alone.
      contentType: 'application/apply-patch+yaml',
      body: { apiVersion: apiVersionOf(type), kind: type.kind, ...object },
    });
  }

  /** Undefined where there was none. Preconditions that do not hold reject with `conflict`. */
  async delete<T extends KubernetesObject>(
    type: ResourceType,
    key: ResourceKey,
    options: {
      readonly uid?: string | undefined;
      readonly resourceVersion?: string | undefined;
      readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
      readonly graceSeconds?: number;
      readonly dryRun?: boolean;
    } = {},
  ): Promise<T | undefined> {
    const { uid, resourceVersion, propagation = 'Background', graceSeconds, dryRun } = options;
    try {
      return await this.#write<T>('delete', type, key, {
        method: 'DELETE',
        path: resourcePath(type, key),
        query: dryRun === true ? { dryRun: 'All' } : {},
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy: propagation,
          ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
          preconditions: {
            ...(uid === undefined ? {} : { uid }),
            ...(resourceVersion === undefined ? {} : { resourceVersion }),
          },
        },
      });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** See watchStream. */
  watch<T extends KubernetesObject>(
    type: ResourceType,
    selection: Selection,
    options: WatchStreamOptions,
  ): AsyncGenerator<WatchStreamEvent<T>, void, undefined> {
    return watchStream<T>(this.#options.connection, type, selection, options);
  }

  close(): void {
    this.#options.connection.close();
  }

  #writeQuery({ dryRun }: WriteOptions): Record<string, string | undefined> {
    return { fieldManager: this.#options.fieldManager, dryRun: dryRun === true ? 'All' : undefined };
  }

  async #read<T>(
    verb: string,
    type: ResourceType,
    of: Partial<ResourceKey>,
    query: Record<string, string | undefined>,
    how: Pick<Exchange, 'signal' | 'timeoutMs'>,
  ): Promise<T> {
    const what = `${verb} ${describeResource(type, of)}`;
    return await this.#repeat(passes, {
      ...{ method: 'GET', path: resourcePath(type, of), query, what },
      ...how,
    });
  }

  async #write<T>(
    verb: string,
    type: ResourceType,
    key: Partial<ResourceKey>,
    exchange: Omit<Exchange, 'what'>,
  ): Promise<T> {
    const what = `${verb} ${describeResource(type, key)}`;
    return await this.#repeat(isUnseen, { ...exchange, what });
  }

  #repeat<T>(repeats: RepeatOptions['repeats'], exchange: Exchange): Promise<T> {
    const { clock, random, connection } = this.#options;
    const { signal } = exchange;
    return repeat(() => connection.json<T>(exchange), { clock, random, signal, repeats });
  }
}

const timeLimit = ({ timeoutMs }: WriteOptions) => (timeoutMs === undefined ? {} : { timeoutMs });

/** The server says of a `test` that does not hold no more than 422; what it finds invalid has causes. */
const isFailedTest = ({ http, details }: KubernetesError, patch: JsonPatch): boolean =>
  http === 422 && details.length === 0 && patch.some(({ op }) => op === 'test');

const keyOf = ({ metadata }: KubernetesObject): ResourceKey => ({
  namespace: metadata.namespace,
  name: metadata.name,
});
