import type { Instruction } from '../../api/plan.ts';
import type { WorkloadObservation } from '../../drivers/cluster-driver.ts';
import { done, type InstructionContext, type InstructionOutcome, workloadKey } from '../context.ts';
import { waitUntil } from '../wait-until.ts';
import { failure } from '../words.ts';

type RestartWorkload = Extract<Instruction, { type: 'restartWorkload' }>;

/** A replacement that stands still for this long, after the agent was restarted, is asked for again. */
const QUIET_MS = 5_000;

/**
 * Replaces every instance that is older than this instruction by one of the same version. What must hold is
 * "none is older", so that an order that comes twice restarts nothing twice (INV-14).
 */
export async function restartWorkload(
  context: InstructionContext,
  { side, workload }: RestartWorkload,
): Promise<InstructionOutcome> {
  const { clock, driver } = context.ports;
  const key = workloadKey(context, side, workload);
  let wanted = 0;
  let quietSince = context.noted === 'asked' ? clock.monotonic() : Number.NEGATIVE_INFINITY;
  let last = '';
  const waited = await waitUntil(context, `${key.version} does not restart`, async () => {
    const seen = await driver.observe(key);
    wanted = seen?.wanted ?? 0;
    const older = olderThan(seen, context.startedAt);
    if (seen !== undefined && older === 0 && seen.ready >= wanted && seen.retiring === 0) {
      return { kind: 'done', value: seen };
    }
    const shape = JSON.stringify(seen?.instances.map(({ id, state }) => [id, state]));
    if (shape !== last && last !== '') quietSince = clock.monotonic();
    last = shape;
    if (older > 0 && clock.monotonic() - quietSince > QUIET_MS) {
      await context.note('asked');
      await driver.restartWorkload(key);
      quietSince = clock.monotonic();
    }
    if (seen?.problem?.final === true) {
      return {
        kind: 'failed',
        failure: await failure(
          context,
          seen.problem.reason,
          `${key.version} cannot restart: ${seen.problem.message}`,
        ),
      };
    }
    return {
      kind: 'waiting',
      message: `${Math.max(0, wanted - older)} of ${wanted} restarted`,
      progress: -older - (seen?.retiring ?? 0),
    };
  });
  if (!waited.ok) return { state: 'failed', failure: waited.failure };
  return done(`${wanted} of ${wanted} restarted`, {
    version: key.version,
    wanted,
    ready: waited.value.ready,
  });
}

const olderThan = (seen: WorkloadObservation | undefined, since: string): number =>
  seen?.instances.filter(
    ({ state, startedAt }) => state !== 'exited' && Date.parse(startedAt) < Date.parse(since),
  ).length ?? 0;
