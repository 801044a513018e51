import type { Instruction } from '../../api/plan.ts';
import { countOf, done, type InstructionContext, type InstructionOutcome, workloadKey } from '../context.ts';
import { waitUntil } from '../wait-until.ts';
import { counted, failure } from '../words.ts';
import { wishOf } from './wish-workload.ts';

type EnsureWorkload = Extract<Instruction, { type: 'ensureWorkload' }>;

/** The wish stands, durably; nobody waits for instances here (that is `awaitReady`). */
export async function ensureWorkload(
  context: InstructionContext,
  { side, workload, replicas, atLeast = false }: EnsureWorkload,
): Promise<InstructionOutcome> {
  const asked = countOf(context.spec, side, workload, replicas);
  const key = workloadKey(context, side, workload);
  if (wishOf(context, side, workload, asked) === undefined) {
    return {
      state: 'failed',
      failure: await failure(context, 'noWorkload', `${key.version} has no workload ${workload}.`),
    };
  }
  const { driver } = context.ports;
  const waited = await waitUntil(context, `${key.version} wanted ${asked} strong`, async () => {
    const wanted = atLeast ? Math.max(asked, (await driver.observe(key))?.wanted ?? 0) : asked;
    await wishOf(context, side, workload, wanted)?.();
    const seen = await driver.observe(key);
    return seen?.wanted === wanted
      ? { kind: 'done' as const, value: seen }
      : { kind: 'waiting', message: `${counted(wanted, 'instance')} of ${key.version} wanted`, progress: 0 };
  });
  if (!waited.ok) return { state: 'failed', failure: waited.failure };
  const { wanted } = waited.value;
  return done(`${counted(wanted, 'instance')} of ${key.version} wanted`, { version: key.version, wanted });
}
