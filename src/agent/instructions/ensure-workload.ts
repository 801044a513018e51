import type { Instruction } from '../../api/plan.ts';
import { countOf, done, type InstructionContext, type InstructionOutcome, workloadKey } from '../context.ts';
import { waitUntil } from '../wait-until.ts';
import { counted, failure } from '../words.ts';
import { wishOf } from './wish-workload.ts';

type EnsureWorkload = Extract<Instruction, { type: 'ensureWorkload' }>;

/** The wish stands, durably; nobody waits for instances here (that is `awaitReady`). */
export async function ensureWorkload(
  context: InstructionContext,
  { side, workload, replicas }: EnsureWorkload,
): Promise<InstructionOutcome> {
  const wanted = countOf(context.spec, side, workload, replicas);
  const key = workloadKey(context, side, workload);
  const write = wishOf(context, side, workload, wanted);
  if (write === undefined) {
    return {
      state: 'failed',
      failure: await failure(context, 'noWorkload', `${key.version} has no workload ${workload}.`),
    };
  }
  const waited = await waitUntil(context, `${key.version} wanted ${wanted} strong`, async () => {
    await write();
    const seen = await context.ports.driver.observe(key);
    return seen?.wanted === wanted
      ? { kind: 'done' as const, value: seen }
      : { kind: 'waiting', message: `${counted(wanted, 'instance')} of ${key.version} wanted`, progress: 0 };
  });
  if (!waited.ok) return { state: 'failed', failure: waited.failure };
  return done(`${counted(wanted, 'instance')} of ${key.version} wanted`, { version: key.version, wanted });
}
