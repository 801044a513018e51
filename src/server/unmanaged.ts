import { API_PREFIX } from '../api/kind-names.ts';
import type { Track } from '../api/revision.ts';
import { placeId, type Standing } from '../api/standing.ts';
import type { ServerDependencies } from './dependencies.ts';
import type { Route } from './route.ts';

/** What stands at one place that no application here has anything to do with. */
export type Unmanaged = Standing & { readonly cluster: string };

/**
 * What runs and belongs to nobody, as after the restore of a backup that is older than it. It may serve users, so it
 * is shown and left alone.
 */
export function unmanagedRoutes(deps: ServerDependencies): Route[] {
  return [
    {
      method: 'GET',
      url: `${API_PREFIX}/namespaces/:namespace/unmanaged`,
      verb: 'get',
      resource: 'unmanaged',
      summary: 'What runs in connected clusters and belongs to no application',
      handle: async ({ namespace = '' }) => {
        const { store, gateway } = deps;
        const { items: tracks } = await store.list<Track>('Track', { namespace });
        const managed = new Set(
          tracks.map(({ spec: { application, environment } }) =>
            placeId({ namespace, application, environment }),
          ),
        );
        const items: Unmanaged[] = gateway
          .clusters()
          .filter(({ connected }) => connected)
          .flatMap(({ name: cluster }) =>
            gateway.standings(cluster).map((standing) => ({ ...standing, cluster })),
          )
          .filter((standing) => standing.namespace === namespace && !managed.has(placeId(standing)));
        return { json: { kind: 'UnmanagedList', items } };
      },
    },
  ];
}
