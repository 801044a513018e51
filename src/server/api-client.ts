import { API_PREFIX, findKindName, type KindName } from '../api/kind-names.ts';
import type { ApiObject, Stored } from '../api/meta.ts';
import type { Command } from '../api/release.ts';
import { isSlipwayError, SlipwayError } from '../lib/errors.ts';
import { jsonLines } from '../lib/json-lines.ts';
import { fromAnswer, isStatus } from '../lib/status.ts';
import type { ListResult } from '../store/store.ts';
import type {
  ApiClient,
  Dry,
  Forced,
  In,
  ListQuery,
  LogLine,
  Preconditions,
  WatchQuery,
} from './client-types.ts';
import { type HttpClient, type HttpClientOptions, httpClient } from './http-client.ts';
import type { SecretUse } from './secret-uses.ts';
import type { TokenInfo } from './tokens.ts';
import type { Unmanaged } from './unmanaged.ts';
import { watchResumed } from './watch-client.ts';

export type {
  ApiClient,
  CommandBody,
  CommandTarget,
  Dry,
  In,
  Instances,
  ListQuery,
  LogLine,
  LogQuery,
  ManagerVersion,
  Preconditions,
  WatchQuery,
} from './client-types.ts';

/**
 * The API as the CLI and tests use it. Errors are SlipwayErrors again, with their `next` and details. It must
 * stay cheap to load (no zod, no fastify: types alone come from the server), since every `slipway` command
 * begins with it; a test walks its imports.
 */
export interface ApiClientOptions extends HttpClientOptions {
  /** Where objects are when a call names no namespace. */
  readonly namespace?: string;
}

/** Longer than the server waits for a command. */
const COMMAND_TIMEOUT_MS = 30_000;
const UPLOAD_TIMEOUT_MS = 120_000;

export function createApiClient(options: ApiClientOptions): ApiClient {
  const http = httpClient(options);
  const home = options.namespace ?? 'default';
  const at = (kind: string, name?: string, place: In = {}) =>
    addressOf(kindName(kind), place.namespace ?? home, name);
  const body = async <T>(exchange: Parameters<HttpClient['json']>[0]): Promise<T> =>
    (await http.json<T>(exchange)).body;
  const all = (kind: string, query: ListQuery | WatchQuery) =>
    query.allNamespaces === true ? `${API_PREFIX}/${kindName(kind).plural}` : at(kind, undefined, query);

  const client: ApiClient = {
    get: (kind, name, place) => body({ method: 'GET', path: at(kind, name, place) }),
    async find(kind, name, place) {
      try {
        return await client.get(kind, name, place);
      } catch (error) {
        if (isSlipwayError(error, 'notFound')) return undefined;
        throw error;
      }
    },
    async list<T extends ApiObject>(kind: string, query: ListQuery = {}) {
      const answer = await body<{
        metadata: { resourceVersion: string; continue?: string };
        items: Stored<T>[];
      }>({
        method: 'GET',
        path: all(kind, query),
        query: {
          labelSelector: selector(query.labels),
          limit: query.limit?.toString(),
          continue: query.continueToken,
        },
      });
      const { resourceVersion, continue: continueToken } = answer.metadata;
      return {
        items: answer.items,
        resourceVersion,
        ...(continueToken === undefined ? {} : { continueToken }),
      };
    },
    create: (object, place = {}) =>
      body({
        method: 'POST',
        path: at(object.kind, undefined, placeOf(object, place)),
        query: dry(place),
        json: object,
      }),
    replace: (object, place = {}) =>
      body({
        method: 'PUT',
        path: at(object.kind, object.metadata.name, placeOf(object, place)),
        query: dry(place),
        json: object,
      }),
    patch: (kind, name, patch, place = {}) =>
      body({
        method: 'PATCH',
        path: at(kind, name, place),
        query: { ...dry(place), ...forced(place) },
        json: patch,
        type: 'application/merge-patch+json',
      }),
    async delete<T extends ApiObject>(kind: string, name: string, place: In & Preconditions & Forced = {}) {
      const { resourceVersion, uid } = place;
      const preconditions = { ...(resourceVersion ? { resourceVersion } : {}), ...(uid ? { uid } : {}) };
      const answer = await body<Stored<T> | { kind: 'Status' }>({
        method: 'DELETE',
        path: at(kind, name, place),
        query: forced(place),
        json: { preconditions },
      });
      return 'kind' in answer && answer.kind === 'Status' ? undefined : (answer as Stored<T>);
    },
    watch<T extends ApiObject>(kind: string, query: WatchQuery) {
      const filter = {
        labelSelector: selector(query.labels),
        fieldSelector: query.name === undefined ? undefined : `metadata.name=${query.name}`,
      };
      const path = all(kind, query);
      const list = async (): Promise<ListResult<T>> => {
        const answer = await body<{ metadata: { resourceVersion: string }; items: Stored<T>[] }>({
          method: 'GET',
          path,
          query: filter,
        });
        return { items: answer.items, resourceVersion: answer.metadata.resourceVersion };
      };
      return watchResumed<T>({
        client: http,
        path,
        query: filter,
        list,
        since: query.since,
        signal: query.signal,
      });
    },
    async command(target, verb, given = {}) {
      const { status, body: command } = await http.json<Stored<Command>>({
        method: 'POST',
        path: `${at(target.kind, target.name, target)}/${encodeURIComponent(verb)}`,
        json: given,
        timeoutMs: COMMAND_TIMEOUT_MS,
      });
      return { state: status === 202 ? 'pending' : 'done', command };
    },
    plan: (application, given, place) =>
      body({ method: 'POST', path: `${at('Application', application, place)}/plan`, json: given }),
    why: (release, place) => body({ method: 'GET', path: `${at('Release', release, place)}/why` }),
    whyApplication: (application, query = {}) =>
      body({
        method: 'GET',
        path: `${at('Application', application, query)}/why`,
        query: { environment: query.environment },
      }),
    secretUses: async (secret, place) =>
      (
        await body<{ items: readonly SecretUse[] }>({
          method: 'GET',
          path: `${at('Secret', secret, place)}/uses`,
        })
      ).items,
    instances: (application, query = {}) =>
      body({
        method: 'GET',
        path: `${at('Application', application, query)}/instances`,
        query: { environment: query.environment },
      }),
    unmanaged: async (options) =>
      (
        await body<{ items: readonly Unmanaged[] }>({
          method: 'GET',
          path: `${API_PREFIX}/namespaces/${options?.namespace ?? home}/unmanaged`,
        })
      ).items,
    async *logs(application, query) {
      const response = await http.open({
        method: 'GET',
        path: `${at('Application', application, query)}/logs`,
        query: {
          environment: query.environment,
          workload: query.workload,
          instance: query.instance,
          follow: query.follow === true ? '1' : undefined,
          tailLines: query.tailLines?.toString(),
        },
        signal: query.signal,
        stream: true,
      });
      for await (const line of jsonLines(response)) {
        if (isStatus(line)) throw fromAnswer(line.code, line);
        yield line as LogLine;
      }
    },
    async hasArtifact(digest) {
      try {
        (await http.open({ method: 'HEAD', path: `/artifacts/v1/${digest}` })).resume();
        return true;
      } catch (error) {
        if (isSlipwayError(error, 'notFound')) return false;
        throw error;
      }
    },
    upload: (digest, content, size) =>
      body({
        method: 'PUT',
        path: `/artifacts/v1/${digest}`,
        upload: { content, size },
        timeoutMs: UPLOAD_TIMEOUT_MS,
      }),
    async backup(file) {
      const { saveBackup } = await import('./client-backup.ts');
      return await saveBackup(file, async () => {
        const content = await http.open({
          method: 'POST',
          path: '/maintenance/v1/backup',
          json: {},
          stream: true,
        });
        return { content, size: Number(content.headers['content-length'] ?? Number.NaN) };
      });
    },
    version: () => body({ method: 'GET', path: '/version' }),
    tokens: {
      list: async () =>
        (await body<{ items: TokenInfo[] }>({ method: 'GET', path: '/auth/v1/tokens' })).items,
      create: (token) => body({ method: 'POST', path: '/auth/v1/tokens', json: token }),
      revoke: async (name) =>
        void (await body({ method: 'DELETE', path: `/auth/v1/tokens/${encodeURIComponent(name)}` })),
    },
    close: () => http.close(),
  };
  return client;
}

function kindName(word: string): KindName {
  const found = findKindName(word);
  if (found === undefined)
    throw new SlipwayError('badRequest', `there is no kind ${word}`, { next: 'slipway get --help' });
  return found;
}

function addressOf(kind: KindName, namespace: string, name: string | undefined): string {
  const collection = kind.namespaced
    ? `${API_PREFIX}/namespaces/${encodeURIComponent(namespace)}/${kind.plural}`
    : `${API_PREFIX}/${kind.plural}`;
  return name === undefined ? collection : `${collection}/${encodeURIComponent(name)}`;
}

const placeOf = (object: ApiObject, place: In): In => {
  const namespace = place.namespace ?? object.metadata.namespace;
  return namespace === undefined ? {} : { namespace };
};

const forced = ({ force }: Forced) => (force === undefined ? undefined : { force });
const dry = (options: Dry) => (options.dryRun === true ? { dryRun: 'All' } : undefined);

const selector = (labels: Readonly<Record<string, string>> | undefined): string | undefined =>
  labels === undefined
    ? undefined
    : Object.entries(labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(',');
