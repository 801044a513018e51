import type { RouteSpec } from '../../api/application.ts';
import type { Workload } from '../../api/workload.ts';
import { evaluateAllowance } from '../counts.ts';
import type { PlanWorkload } from '../strategies/stage-instructions.ts';
import type { ResolvedApplication } from './resolve.ts';

/** What stands before a release, as far as it is known. */
interface Standing {
  readonly replicas?: Readonly<Record<string, number>> | undefined;
  readonly routes?: readonly RouteSpec[] | undefined;
}

/** The service that a route leads to: named, or the only one. Undefined where it is not clear. */
export function routedWorkload(
  route: RouteSpec,
  workloads: Readonly<Record<string, Pick<Workload, 'type'>>>,
): string | undefined {
  if (route.workload !== undefined) return route.workload;
  const services = Object.entries(workloads).filter(([, w]) => w.type === 'service');
  return services.length === 1 ? services[0]?.[0] : undefined;
}

/** Each route with the service that it leads to, so that nobody resolves it against other workloads later. */
export const pinRoutes = (
  routes: readonly RouteSpec[],
  workloads: Readonly<Record<string, Pick<Workload, 'type'>>>,
): RouteSpec[] =>
  routes.map((route) => {
    const workload = routedWorkload(route, workloads);
    return workload === undefined ? route : { ...route, workload };
  });

type Known = readonly { readonly name: string; readonly type: Workload['type'] }[];

/**
 * Workloads of both revisions as the planner wants them, sorted by name so that plans do not depend on order.
 * What the application's file no longer has, and one of the revisions does, is as large as it stands.
 *
 * @param destination workloads of the revision that is released; absent: the application's own.
 * @param standing what stands before: instances by workload as far as they are known, and the routes, each with
 *   its workload; absent: the application's own.
 */
export function planWorkloads(
  application: ResolvedApplication,
  from: Known | null,
  destination?: Known,
  standing: Standing = {},
): PlanWorkload[] {
  const reached = new Set(
    (standing.routes ?? pinRoutes(application.routes, application.workloads)).map(({ workload }) => workload),
  );
  const sizes = standing.replicas ?? {};
  const routed = new Set(application.routes.map((route) => routedWorkload(route, application.workloads)));
  const has = (workloads: Known | null, name: string) => workloads?.some((w) => w.name === name) ?? false;
  const own = Object.entries(application.workloads).map(([name, workload]): PlanWorkload => {
    const full = workload.replicas;
    // At least one instance of what takes traffic always answers, whatever may be unavailable.
    const most = routed.has(name) ? Math.max(0, full - 1) : full;
    return {
      name,
      type: workload.type,
      routed: routed.has(name),
      wasRouted: reached.has(name),
      replicas: full,
      replicasFrom: sizes[name] ?? full,
      surge: evaluateAllowance(workload.maxSurge, full, 'surge'),
      unavailable: Math.min(most, evaluateAllowance(workload.maxUnavailable, full, 'unavailable')),
      inFrom: has(from, name),
      inTo: destination === undefined || has(destination, name),
    };
  });
  const others = new Map(
    [...(from ?? []), ...(destination ?? [])]
      .filter(({ name }) => !(name in application.workloads))
      .map(({ name, type }) => [name, type]),
  );
  const gone = [...others].map(([name, type]): PlanWorkload => {
    const replicas = sizes[name] ?? 1;
    return {
      name,
      type,
      routed: false,
      wasRouted: reached.has(name),
      replicas,
      replicasFrom: replicas,
      surge: Math.max(1, replicas),
      unavailable: 0,
      inFrom: has(from, name),
      inTo: has(destination ?? null, name),
    };
  });
  return [...own, ...gone].filter((w) => w.inFrom || w.inTo).sort((a, b) => (a.name < b.name ? -1 : 1));
}
