import { instant } from '../../lib/clock.ts';
import type { ProcessUsage } from '../../lib/processes.ts';
import type { InstanceObservation } from '../cluster-driver.ts';
import type { Instance } from './instance.ts';
import type { InstanceContext } from './instance-context.ts';
import type { Member } from './plan-workload.ts';

/** One instance as the plan of its workload looks at it. */
export function memberOf(context: InstanceContext, instance: Instance): Member {
  const { record } = instance;
  return {
    id: instance.id,
    ordinal: record.ordinal,
    round: record.round,
    state: instance.state,
    admitted: context.isServing(instance.id),
    restarts: record.restarts,
    startedAt: record.startedAt,
  };
}

/** One instance as it is told to the outside, with what its process uses now. */
export async function observeInstance(
  context: InstanceContext,
  instance: Instance,
): Promise<InstanceObservation> {
  const { record } = instance;
  const usage: ProcessUsage | undefined =
    record.identity === null || instance.hasEnded
      ? undefined
      : await context.processes.usage(record.identity);
  return {
    id: instance.id,
    port: record.port,
    state: shownState(instance),
    proven: instance.proven,
    admitted: context.isServing(instance.id),
    startedAt: instant(record.startedAt),
    restarts: record.restarts,
    rssBytes: usage?.rssBytes ?? null,
    cpuMs: usage === undefined ? null : Math.round(usage.cpuMs),
    ...(record.ended === null ? {} : { exitCode: record.ended.code }),
  };
}

/**
 * The end of a job is told together with its code and its problem: whoever looked in between would believe that
 * nobody saw how it ended, and such a job is never run again by itself (INV-14).
 */
function shownState(instance: Instance): InstanceObservation['state'] {
  const isUnexplained = instance.state === 'exited' && !instance.isOver;
  return isUnexplained && instance.wish.spec.type === 'migration'
    ? (instance.health?.state ?? 'starting')
    : instance.state;
}
