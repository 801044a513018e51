import { API_PREFIX } from '../api/kind-names.ts';
import type { KindDefinition } from '../api/kinds.ts';
import { API_VERSION, type ApiObject, type Stored } from '../api/meta.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { ServerDependencies } from './dependencies.ts';
import type { KindHooks } from './kind-hooks.ts';
import type { Answer, Call, Route } from './route.ts';
import { isTrue, parseCount, parseFieldSelector, parseLabelSelector } from './selectors.ts';
import { refuseUnknownWatch, serveWatch } from './watch.ts';
import { checkAddress } from './written-object.ts';

const MAX_PAGE = 5_000;

/** get, list and watch of one kind. */
export function readRoutes(
  kind: KindDefinition,
  base: string,
  hooks: KindHooks,
  deps: ServerDependencies,
): Route[] {
  const present = (object: Stored) => hooks.present?.(object) ?? object;
  const common = { resource: kind.plural, kind: kind.kind };
  const listOrWatch = (call: Call) => {
    checkAddress(call.namespace, undefined);
    if (!isTrue(call.query.watch)) return listObjects(kind, call, deps, present);
    refuseUnknownWatch(call.query);
    return serveWatch(call, kind.kind, deps, present);
  };
  const list = {
    ...common,
    method: 'GET',
    verb: 'list',
    watchable: true,
    stream: true,
    handle: listOrWatch,
  } as const;
  const get = async (call: Call): Promise<Answer> => ({
    json: present(await requireObject(kind, call, deps)),
  });
  return [
    {
      ...list,
      url: base,
      summary: `List or watch the ${kind.plural}${kind.namespaced ? ' of a namespace' : ''}`,
    },
    ...(kind.namespaced
      ? [
          {
            ...list,
            url: `${API_PREFIX}/${kind.plural}`,
            summary: `List or watch the ${kind.plural} of all namespaces`,
          },
        ]
      : []),
    {
      ...common,
      method: 'GET',
      url: `${base}/:name`,
      verb: 'get',
      summary: `Read one ${kind.kind}`,
      handle: get,
    },
    {
      ...common,
      method: 'GET',
      url: `${base}/:name/status`,
      verb: 'get',
      resource: `${kind.plural}/status`,
      summary: `Read one ${kind.kind} with its status`,
      handle: get,
    },
  ];
}

/** The object that the address names; `notFound` with the command that shows what there is. */
export async function requireObject<T extends ApiObject>(
  kind: Pick<KindDefinition, 'kind' | 'plural' | 'singular'>,
  call: Pick<Call, 'namespace' | 'name'>,
  deps: ServerDependencies,
): Promise<Stored<T>> {
  const { namespace, name } = call;
  checkAddress(namespace, name);
  const found = await deps.store.get<T>({ kind: kind.kind, namespace, name: name ?? '' });
  if (found !== undefined) return found;
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
  throw new SlipwayError('notFound', `there is no ${kind.singular} ${name}${where}`, {
    next: `slipway get ${kind.plural}`,
  });
}

async function listObjects(
  kind: KindDefinition,
  call: Call,
  deps: ServerDependencies,
  present: (object: Stored) => unknown,
): Promise<Answer> {
  const labels = parseLabelSelector(call.query.labelSelector);
  const name = parseFieldSelector(call.query.fieldSelector);
  const limit = parseCount(call.query.limit, 'limit', MAX_PAGE);
  const { continue: continueToken } = call.query;
  const list = await deps.store.list(kind.kind, {
    namespace: call.namespace,
    ...(labels === undefined ? {} : { labels }),
    ...(limit === undefined || limit === 0 ? {} : { limit }),
    ...(continueToken === undefined || continueToken === '' ? {} : { continueToken }),
  });
  const items = list.items.filter((object) => name === undefined || object.metadata.name === name);
  const { resourceVersion } = list;
  return {
    json: {
      apiVersion: API_VERSION,
      kind: `${kind.kind}List`,
      metadata: {
        resourceVersion,
        ...(list.continueToken === undefined ? {} : { continue: list.continueToken }),
      },
      items: items.map(present),
    },
  };
}
