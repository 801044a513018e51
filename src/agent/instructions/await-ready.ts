import type { Instruction } from '../../api/plan.ts';
import type { WorkloadKey, WorkloadObservation } from '../../drivers/cluster-driver.ts';
import { countOf, done, type InstructionContext, type InstructionOutcome, workloadKey } from '../context.ts';
import { type Look, type Waited, waitUntil } from '../wait-until.ts';
import { failure, readyWords, stuckWords } from '../words.ts';

type AwaitReady = Extract<Instruction, { type: 'awaitReady' }>;

export async function awaitReady(
  context: InstructionContext,
  { side, workload, replicas }: AwaitReady,
): Promise<InstructionOutcome> {
  const wanted = countOf(context.spec, side, workload, replicas);
  const key = workloadKey(context, side, workload);
  const waited = await awaitInstances(context, key, wanted, 'ready');
  if (!waited.ok) return { state: 'failed', failure: waited.failure };
  return done(`${wanted} of ${wanted} ready`, { version: key.version, wanted, ready: wanted });
}

/** Waits until so many instances are ready, or proven through the router's preview. */
export function awaitInstances(
  context: InstructionContext,
  key: WorkloadKey,
  wanted: number,
  what: 'ready' | 'proven',
): Promise<Waited<WorkloadObservation>> {
  return waitUntil(context, `${key.version} does not get ${what}`, async () => {
    const seen = await context.ports.driver.observe(key);
    return judge(context, key, wanted, what, seen);
  });
}

async function judge(
  context: InstructionContext,
  key: WorkloadKey,
  wanted: number,
  what: 'ready' | 'proven',
  seen: WorkloadObservation | undefined,
): Promise<Look<WorkloadObservation>> {
  if (seen === undefined) {
    return { kind: 'waiting', message: `${key.version} is not there yet`, progress: -1 };
  }
  const problem = seen.problem;
  if (seen[what] >= wanted && seen.ready >= wanted) return { kind: 'done', value: seen };
  if (problem?.final === true) {
    return {
      kind: 'failed',
      failure: await failure(
        context,
        problem.reason,
        stuckWords({ version: key.version, cluster: context.spec.cluster }, seen, wanted, problem),
      ),
    };
  }
  const words =
    what === 'ready'
      ? readyWords(seen, wanted)
      : `${Math.min(seen.proven, wanted)} of ${wanted} answered through the preview`;
  return {
    kind: 'waiting',
    message: problem === null ? words : `${words}; ${problem.message}`,
    progress: seen.ready + seen.proven,
    evidence: { wanted, [what]: Math.min(seen[what], wanted) },
  };
}
