import type { RouteSpec } from '../../api/application.ts';
import type { ErrorDetail } from '../../lib/errors.ts';

/** A place that routers give to one service at a time. */
export type RoutePlace = Pick<RouteSpec, 'host'> & { readonly path?: string };

/** Places that one application holds in one environment. */
export interface RouteOwner {
  readonly application: string;
  readonly environment: string;
  readonly routes: readonly RoutePlace[];
}

export const placeOf = ({ host, path = '/' }: RoutePlace): string => `${host ?? '*'}${path}`;

/** Routes as they are written for one environment, of a spec that was checked. */
export function writtenRoutes(spec: unknown, environment: string): readonly RoutePlace[] {
  const { routes, environments } = (spec ?? {}) as {
    routes?: RoutePlace[];
    environments?: Record<string, { routes?: RoutePlace[] } | undefined>;
  };
  return environments?.[environment]?.routes ?? routes ?? [];
}

/** What an application holds and still wants: what it gives up is free for who comes, before the router says so. */
export const heldRoutes = (
  standing: readonly RoutePlace[],
  spec: unknown,
  environment: string,
): readonly RoutePlace[] => {
  const wanted = new Set(writtenRoutes(spec, environment).map(placeOf));
  return standing.filter((route) => wanted.has(placeOf(route)));
};

/** Routes that somebody else holds: the router would refuse them at the flip, when a release is nearly done. */
export const takenRoutes = (
  routes: readonly RoutePlace[],
  others: readonly RouteOwner[],
): readonly ErrorDetail[] =>
  routes.flatMap((route, index) => {
    const place = placeOf(route);
    const owner = others.find((other) => other.routes.some((one) => placeOf(one) === place));
    if (owner === undefined) return [];
    return [
      {
        path: `spec.routes[${index}]`,
        message: `${place} belongs to application ${owner.application} in environment ${owner.environment}; use another host or path, or take the route from ${owner.application} first: slipway describe app ${owner.application}`,
      },
    ];
  });
