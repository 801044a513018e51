import type { ErrorDetail } from '../../lib/errors.ts';
import { primaryOf } from '../plan/plan-release.ts';
import { planSteps } from '../plan/steps.ts';
import { planWorkloads } from './plan-workloads.ts';
import { resolveApplication } from './resolve.ts';
import { namedEnvironments } from './validate.ts';

/**
 * What an application that is right probably does not mean: gates that are asked when it is too late for users. Of
 * a spec that has passed `validateApplication`; one made by a template, which the manager alone knows, gets them
 * with its plan.
 */
export function applicationWarnings(spec: unknown, name: string): ErrorDetail[] {
  const environments = namedEnvironments(spec);
  const all = [...new Set(['local', ...environments])].flatMap((environment) => {
    const resolved = resolveApplication(spec, { name, environment });
    if (!resolved.ok) return [];
    const { strategy, gates, workloads } = resolved.value;
    const known = Object.entries(workloads).map(([each, { type }]) => ({ name: each, type }));
    const replicas = primaryOf(planWorkloads(resolved.value, known));
    const capacity = { replicas, replicasFrom: replicas };
    const planned = planSteps({
      strategy,
      liveStrategy: null,
      hasFrom: true,
      toIsWarm: false,
      capacity,
      gates,
    });
    return planned.ok ? planned.value.lateGates : [];
  });
  return [...new Set(all)].map((message) => ({ path: 'spec.gates', message }));
}
