import type { Application } from '../api/application.ts';
import { DEFAULT_ENVIRONMENT } from '../api/application.ts';
import type { Environment } from '../api/environment.ts';
import type { Stored } from '../api/meta.ts';
import type { Release } from '../api/release.ts';
import type { Track } from '../api/revision.ts';
import {
  heldRoutes,
  placeOf,
  type RouteOwner,
  takenRoutes,
  writtenRoutes,
} from '../engine/application/route-owners.ts';
import type { ErrorDetail } from '../lib/errors.ts';
import type { Store } from '../store/store.ts';

interface Place {
  readonly namespace: string;
  readonly application: string;
  readonly environment: string;
}

/** Routes of a spec that others hold where it would be released to (`slipway plan`). */
export async function routesTaken(
  store: Store,
  spec: unknown,
  where: Place,
): Promise<readonly ErrorDetail[]> {
  const routes = writtenRoutes(spec, where.environment);
  return routes.length === 0 ? [] : takenRoutes(routes, await ownersBeside(store, where));
}

/**
 * Routes that a change of an application asks for and others hold, in every environment that the change goes to.
 * What stood in the file before is not looked at: it is held against nobody who changes something else.
 */
export async function newRoutesTaken(
  store: Store,
  written: {
    readonly spec: unknown;
    readonly before: unknown;
    readonly namespace: string;
    readonly name: string;
  },
): Promise<readonly ErrorDetail[]> {
  const { spec, before, namespace, name } = written;
  const named = Object.keys((spec as { environments?: object } | null)?.environments ?? {});
  const problems: ErrorDetail[] = [];
  for (const environment of new Set([DEFAULT_ENVIRONMENT, ...named])) {
    const known = new Set(before === undefined ? [] : writtenRoutes(before, environment).map(placeOf));
    if (writtenRoutes(spec, environment).every((route) => known.has(placeOf(route)))) continue;
    const where = { namespace, application: name, environment };
    const owners = (await ownersBeside(store, where)).filter((owner) => owner.application !== name);
    const taken = takenRoutes(writtenRoutes(spec, environment), owners);
    problems.push(...taken.filter(({ message }) => !problems.some((each) => each.message === message)));
  }
  return problems;
}

/** Every application and environment that one router serves beside this one, with the routes that they hold. */
async function ownersBeside(store: Store, where: Place): Promise<RouteOwner[]> {
  const [tracks, environments] = await Promise.all([
    store.list<Track>('Track', {}),
    store.list<Environment>('Environment', {}),
  ]);
  const clustersOf = (namespace: string, name: string): readonly string[] =>
    environments.items.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name)
      ?.spec.clusters ?? ['local'];
  const mine = clustersOf(where.namespace, where.environment);
  const owners = tracks.items
    .filter(({ metadata: { namespace = '' }, spec }) => {
      const same = spec.application === where.application && spec.environment === where.environment;
      return (
        !(same && namespace === where.namespace) &&
        clustersOf(namespace, spec.environment).some((cluster) => mine.includes(cluster))
      );
    })
    .map((track) => ownerOf(store, track));
  return (await Promise.all(owners)).filter(({ routes }) => routes.length > 0);
}

async function ownerOf(
  store: Store,
  { metadata: { namespace = '' }, spec, status }: Stored<Track>,
): Promise<RouteOwner> {
  const { application: name, environment } = spec;
  const active = status?.active?.release;
  const [application, release] = await Promise.all([
    store.get<Application>({ kind: 'Application', namespace, name }),
    active === undefined ? undefined : store.get<Release>({ kind: 'Release', namespace, name: active }),
  ]);
  const standing = [...(status?.standing?.routes ?? []), ...(release?.spec.routes ?? [])];
  const leaves = application === undefined || application.metadata.deletionTimestamp !== undefined;
  return {
    application: name,
    environment,
    routes: leaves ? [] : heldRoutes(standing, application.spec, environment),
  };
}
