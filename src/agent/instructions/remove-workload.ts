import type { Instruction } from '../../api/plan.ts';
import {
  done,
  type InstructionContext,
  type InstructionOutcome,
  serviceKey,
  workloadKey,
} from '../context.ts';
import { waitUntil } from '../wait-until.ts';
import { counted, failure } from '../words.ts';
import { endService, serviceEnds } from './end-service.ts';

type RemoveWorkload = Extract<Instruction, { type: 'removeWorkload' }>;

/** Gone with its instances. A version that has traffic is not removed (INV-5). */
export async function removeWorkload(
  context: InstructionContext,
  { side, workload }: RemoveWorkload,
): Promise<InstructionOutcome> {
  const key = workloadKey(context, side, workload);
  const { driver, trafficRouter } = context.ports;
  if (await serviceEnds(context, side, workload)) await endService(context, workload);
  let asked = false;
  const waited = await waitUntil(context, `${key.version} does not go away`, async () => {
    if (!asked) {
      const weight = (await trafficRouter.traffic(serviceKey(context, workload)))?.weights[key.version] ?? 0;
      if (weight > 0) {
        return {
          kind: 'failed',
          failure: await failure(
            context,
            'stillNamed',
            `${key.version} still has ${weight} % of the traffic and is not removed (INV-5).`,
          ),
        };
      }
      await driver.removeWorkload(key);
      asked = true;
    }
    const seen = await driver.observe(key);
    const left = seen?.instances.filter(({ state }) => state !== 'exited').length ?? 0;
    if (seen === undefined) return { kind: 'done', value: null };
    return {
      kind: 'waiting',
      message: `${counted(left, 'instance')} of ${key.version} left`,
      progress: -left - seen.instances.length,
    };
  });
  if (!waited.ok) return { state: 'failed', failure: waited.failure };
  return done(`${key.version} is gone`);
}
