import type { ExecutionSpec } from '../api/execution.ts';
import type { WorkloadObservation, WorkloadProblem } from '../drivers/cluster-driver.ts';
import { messageOf } from '../lib/errors.ts';
import { type Failure, type InstructionContext, serviceKey, servicesOf } from './context.ts';

/** `1 instance`, `4 instances`. */
export const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** A failure in the manner of the whole product: what happened, whom it hurts, what to do. */
export async function failure(
  context: InstructionContext,
  reason: string,
  message: string,
  next: string = whatNext(context.spec),
): Promise<Failure> {
  return { reason, message, affects: await whomItHurts(context), next };
}

/** Empty for a release: it may be paused, turning back or over, and says itself what is allowed then. */
export const whatNext = (spec: ExecutionSpec): string =>
  spec.release === null ? `slipway why ${spec.application} -e ${spec.environment}` : '';

/** One sentence on the versions that have traffic now, from a fresh look at them. */
export async function whomItHurts(context: InstructionContext): Promise<string> {
  const { driver, trafficRouter } = context.ports;
  const services = servicesOf(context.spec);
  if (services.length === 0) return 'No user traffic is involved.';
  const sentences: string[] = [];
  let hurt = false;
  for (const workload of services) {
    const service = serviceKey(context, workload);
    try {
      const wish = await trafficRouter.traffic(service);
      for (const [version, weight] of Object.entries(wish?.weights ?? {})) {
        if (weight === 0) continue;
        const seen = await driver.observe({ ...service, version });
        const wanted = seen?.wanted ?? 0;
        const ready = seen?.ready ?? 0;
        if (ready < wanted || ready === 0) hurt = true;
        sentences.push(`${version} serves${weight === 100 ? '' : ` ${weight} %`} with ${ready} of ${wanted}`);
      }
    } catch (error) {
      return `Whether users are affected could not be read: ${messageOf(error)}`;
    }
  }
  if (sentences.length === 0) return 'Users are not affected: nothing serves them yet.';
  return `${hurt ? 'Users may be affected' : 'Users are not affected'}: ${sentences.join(', ')}.`;
}

/** Why instances do not come up: those that are ready did start, and fail at what is asked of them. */
export function stuckWords(
  { version, cluster }: { readonly version: string; readonly cluster: string },
  seen: Pick<WorkloadObservation, 'ready'>,
  wanted: number,
  problem: WorkloadProblem,
): string {
  const ready = Math.min(seen.ready, wanted);
  return problem.reason === 'proofFailed'
    ? `${version} is ready in ${cluster} (${ready} of ${wanted}), but ${problem.message}`
    : `${version} cannot start in ${cluster} (${ready} of ${wanted} ready): ${problem.message}`;
}

/** `4 of 6 ready, 2 starting`. */
export function readyWords(seen: WorkloadObservation | undefined, wanted: number): string {
  const starting = seen?.instances.filter(({ state }) => state === 'starting').length ?? 0;
  const notReady = seen?.instances.filter(({ state }) => state === 'notReady').length ?? 0;
  return [
    `${Math.min(seen?.ready ?? 0, wanted)} of ${wanted} ready`,
    ...(starting > 0 ? [`${starting} starting`] : []),
    ...(notReady > 0 ? [`${notReady} not ready`] : []),
  ].join(', ');
}
