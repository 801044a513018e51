import type { RouteSpec } from '../../api/application.ts';
import type { Workload } from '../../api/workload.ts';
import { evaluateAllowance } from '../counts.ts';
import type { PlanWorkload } from '../strategies/stage-instructions.ts';
import type { ResolvedApplication } from './resolve.ts';

/** The service that a route leads to: named, or the only one. Undefined where it is not clear. */
export function routedWorkload(
  route: RouteSpec,
  workloads: Readonly<Record<string, Pick<Workload, 'type'>>>,
): string | undefined {
  if (route.workload !== undefined) return route.workload;
  const services = Object.entries(workloads).filter(([, w]) => w.type === 'service');
  return services.length === 1 ? services[0]?.[0] : undefined;
}

/** Workloads of both revisions as the planner wants them, sorted by name so that plans do not depend on order. */
export function planWorkloads(
  to: ResolvedApplication,
  from: readonly { readonly name: string; readonly type: Workload['type'] }[] | null,
): PlanWorkload[] {
  const routed = new Set(to.routes.map((route) => routedWorkload(route, to.workloads)));
  const own = Object.entries(to.workloads).map(([name, workload]): PlanWorkload => {
    const full = workload.replicas;
    // At least one instance of what takes traffic always answers, whatever may be unavailable.
    const most = routed.has(name) ? Math.max(0, full - 1) : full;
    return {
      name,
      type: workload.type,
      routed: routed.has(name),
      replicas: full,
      surge: evaluateAllowance(workload.maxSurge, full, 'surge'),
      unavailable: Math.min(most, evaluateAllowance(workload.maxUnavailable, full, 'unavailable')),
      inFrom: from?.some((w) => w.name === name) ?? false,
      inTo: true,
    };
  });
  const gone = (from ?? [])
    .filter((w) => !(w.name in to.workloads))
    .map(
      (w): PlanWorkload => ({
        name: w.name,
        type: w.type,
        routed: false,
        replicas: 0,
        surge: 0,
        unavailable: 0,
        inFrom: true,
        inTo: false,
      }),
    );
  return [...own, ...gone].sort((a, b) => (a.name < b.name ? -1 : 1));
}
