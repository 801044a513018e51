import type { Side } from '../../api/plan.ts';
import { type InstructionContext, otherSide, pinnedOf, serviceKey, servicesOf } from '../context.ts';
import { waitOutLag } from './wait-out-lag.ts';

/**
 * Whether the whole service goes with this side's workload: the application is deleted, or the other
 * revision has no such service (it was added or dropped by this release).
 */
export async function serviceEnds(
  context: InstructionContext,
  side: Side,
  workload: string,
): Promise<boolean> {
  if (!servicesOf(context.spec).includes(workload)) return false;
  if (context.spec.purpose === 'delete') return true;
  if (context.spec.purpose !== 'stage') return false;
  return pinnedOf(context.spec, otherSide(side), workload)?.type !== 'service';
}

/**
 * The entry stops leading to it, before the first instance goes: not before the router's lag is over, since the
 * data plane may follow the old routes until then (INV-3). Also where they are gone already, as after a restart
 * of the agent nobody knows since when.
 */
export async function endService(context: InstructionContext, workload: string): Promise<void> {
  const { trafficRouter, lease } = context.ports;
  const service = serviceKey(context, workload);
  if ((await trafficRouter.traffic(service)) !== undefined) {
    await lease.held(context.signal);
    await trafficRouter.removeService(service, context.fence);
  }
  await waitOutLag(context);
}
