import type { Instruction } from '../../api/plan.ts';
import type { InstanceObservation, WorkloadKey } from '../../drivers/cluster-driver.ts';
import {
  done,
  type Failure,
  type InstructionContext,
  type InstructionOutcome,
  workloadKey,
} from '../context.ts';
import { type Look, waitUntil } from '../wait-until.ts';
import { failure } from '../words.ts';
import { wishOf } from './wish-workload.ts';

type RunJob = Extract<Instruction, { type: 'runJob' }>;

/** What is noted before the job is started, and when its end was seen. */
type Note = { readonly started: true; readonly exitCode?: number };

type End = { readonly exitCode: number | null; readonly message: string };

/**
 * Runs a workload of type `migration` once to its end. The driver's instance survives the agent, so that a
 * restarted agent finds it again; where it does not find it, nobody knows what the job did, and it is not
 * run again by itself (INV-14).
 */
export async function runJob(
  context: InstructionContext,
  { side, workload }: RunJob,
): Promise<InstructionOutcome> {
  const { driver } = context.ports;
  const key = workloadKey(context, side, workload);
  const noted = context.noted as Note | undefined;
  const write = wishOf(context, side, workload, 1);
  if (write === undefined) {
    return {
      state: 'failed',
      failure: await failure(context, 'noWorkload', `${key.version} has no workload ${workload}.`),
    };
  }
  let exitCode = noted?.exitCode;
  if (exitCode === undefined) {
    if (noted === undefined) {
      const cleared = await gone(context, key);
      if (cleared !== null) return { state: 'failed', failure: cleared };
      await context.ports.lease.held(context.signal);
      await context.note({ started: true } satisfies Note);
      await write();
    }
    const waited = await waitUntil(context, `the job ${key.version} does not end`, () =>
      lookForEnd(context, key),
    );
    if (!waited.ok) return { state: 'failed', failure: waited.failure };
    if (waited.value.exitCode === null) return { state: 'unknown', failure: await unknown(context, key) };
    exitCode = waited.value.exitCode;
    if (exitCode !== 0) {
      const message = `The job ${key.version} ended with code ${exitCode}. ${waited.value.message}`.trim();
      return {
        state: 'failed',
        failure: await failure(context, 'jobFailed', message),
        evidence: { exitCode },
      };
    }
    // Before it is cleared away: else a crash in between would make a known outcome unknown.
    await context.note({ started: true, exitCode } satisfies Note);
  }
  await driver.removeWorkload(key);
  return done(`the job ${key.version} ended with code 0`, { exitCode });
}

async function lookForEnd(context: InstructionContext, key: WorkloadKey): Promise<Look<End>> {
  const seen = await context.ports.driver.observe(key);
  const instance: InstanceObservation | undefined = seen?.instances[0];
  if (seen === undefined || (instance === undefined && seen.problem === null)) {
    // Only a wish that was just written may have no instance yet.
    return seen !== undefined && seen.wanted > 0 && context.noted === undefined
      ? { kind: 'waiting', message: `the job ${key.version} starts`, progress: 0 }
      : { kind: 'done', value: { exitCode: null, message: '' } };
  }
  if (instance?.state === 'exited') {
    return {
      kind: 'done',
      value: { exitCode: instance.exitCode ?? null, message: seen.problem?.message ?? '' },
    };
  }
  if (seen.problem?.final === true) {
    return {
      kind: 'failed',
      failure: await failure(context, seen.problem.reason, `The job ${key.version}: ${seen.problem.message}`),
    };
  }
  // A job has its own length; while its process lives it makes progress.
  return {
    kind: 'waiting',
    message: `the job ${key.version} runs`,
    progress: context.ports.clock.monotonic(),
  };
}

/** What an earlier attempt left is cleared, so that its end is not taken for this one's. */
async function gone(context: InstructionContext, key: WorkloadKey): Promise<Failure | null> {
  const { driver } = context.ports;
  if ((await driver.observe(key)) === undefined) return null;
  await driver.removeWorkload(key);
  const waited = await waitUntil(context, `what is left of ${key.version} does not go`, async () =>
    (await driver.observe(key)) === undefined
      ? { kind: 'done', value: null }
      : { kind: 'waiting', message: `clearing ${key.version}`, progress: 0 },
  );
  return waited.ok ? null : waited.failure;
}

const unknown = (context: InstructionContext, key: WorkloadKey): Promise<Failure> =>
  failure(
    context,
    'unknownOutcome',
    `Nobody saw how the job ${key.version} ended, and it is not run again by itself (INV-14).`,
    context.spec.release === null
      ? `look at what it did, then: slipway why ${context.spec.application}`
      : 'look at what it did',
  );
