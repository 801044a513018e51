import type { Side } from '../../api/plan.ts';
import { type InstructionContext, pinnedOf, workloadKey } from '../context.ts';

/** The wish for one side's workload. Undefined where that revision has no such workload: a wrong order. */
export function wishOf(
  context: InstructionContext,
  side: Side,
  workload: string,
  replicas: number,
): (() => Promise<void>) | undefined {
  const spec = pinnedOf(context.spec, side, workload);
  if (spec === undefined) return undefined;
  const key = workloadKey(context, side, workload);
  return () => context.ports.driver.setWorkload({ key, spec, replicas, fence: context.fence });
}
