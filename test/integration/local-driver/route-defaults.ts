import { RouteSpec } from '../../../src/api/application.ts';

/** A route as the API would store it. */
export const routeDefaults = (route: Parameters<typeof RouteSpec.parse>[0]): RouteSpec =>
  RouteSpec.parse(route);
