import type { Instruction } from '../../api/plan.ts';
import type { ProofEvidence, TrafficWish } from '../../drivers/cluster-driver.ts';
import { instant } from '../../lib/clock.ts';
import { isSlipwayError, messageOf } from '../../lib/errors.ts';
import {
  countOf,
  done,
  type InstructionContext,
  type InstructionOutcome,
  serviceKey,
  workloadKey,
} from '../context.ts';
import { failure } from '../words.ts';
import { awaitInstances } from './await-ready.ts';
import { waitOutLag } from './wait-out-lag.ts';

type ProveTraffic = Extract<Instruction, { type: 'proveTraffic' }>;

/** Beyond the lag that the router declares, an entry that still shows the wrong versions is refused. */
const PROOF_DEADLINE_MS = 30_000;

/** Proof before and after a write of traffic (design section 5). */
export function proveTraffic(
  context: InstructionContext,
  instruction: ProveTraffic,
): Promise<InstructionOutcome> {
  return instruction.when === 'before' ? proveBefore(context, instruction) : proveAfter(context, instruction);
}

async function proveBefore(
  context: InstructionContext,
  { side, workload, replicas }: ProveTraffic,
): Promise<InstructionOutcome> {
  const wanted = countOf(context.spec, side, workload, replicas);
  const key = workloadKey(context, side, workload);
  const waited = await awaitInstances(context, key, wanted, 'proven');
  if (!waited.ok) return { state: 'failed', failure: waited.failure };
  return done(`${wanted} of ${wanted} answered through the preview`, {
    when: 'before',
    version: key.version,
    instances: waited.value.proven,
    wanted,
    at: instant(context.ports.clock.now()),
    basis: 'each instance answered through the preview',
    summary: `${waited.value.proven}/${wanted} instances`,
  });
}

export async function proveAfter(
  context: InstructionContext,
  { workload }: Pick<ProveTraffic, 'workload'>,
): Promise<InstructionOutcome> {
  const { trafficRouter } = context.ports;
  const service = serviceKey(context, workload);
  const startedAt = context.ports.clock.monotonic();
  const deadlineMs = Math.min(context.spec.deadlineMs, trafficRouter.lagMs + PROOF_DEADLINE_MS);
  await waitOutLag(context);
  context.progress('asking the entry over fresh connections which version answers');
  const proof = await proveEntry(
    context,
    () =>
      trafficRouter.proveAfter({
        service,
        deadlineMs: Math.max(1, deadlineMs - (context.ports.clock.monotonic() - startedAt)),
        signal: context.signal,
      }),
    startedAt + deadlineMs,
  );
  await context.probers.stop(workload);
  const at = instant(context.ports.clock.now());
  const evidence = { when: 'after', at, summary: proofWords(proof), ...proof };
  if (proof.ok) return done(`proof ${proofWords(proof)}`, evidence);
  const wish = await trafficRouter.traffic(service).catch((): TrafficWish | undefined => undefined);
  return {
    state: 'failed',
    failure: await failure(
      context,
      'proofRefused',
      `The entry does not show what was written (${weightWords(wish)}): ${proof.message}`,
    ),
    evidence,
  };
}

/** A router that cannot be reached just now is asked again until the deadline. */
async function proveEntry(
  context: InstructionContext,
  ask: () => Promise<ProofEvidence>,
  untilMs: number,
): Promise<ProofEvidence> {
  const { clock } = context.ports;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      context.signal.throwIfAborted();
      const over = clock.monotonic() >= untilMs || isSlipwayError(error, 'refused');
      if (over) return noProof(messageOf(error));
      context.progress(`the entry cannot be asked: ${messageOf(error)}`);
      await clock.sleep(100, context.signal);
    }
  }
}

const noProof = (message: string): ProofEvidence => ({
  ok: false,
  seen: {},
  requests: 0,
  failed: 0,
  convergedMs: 0,
  basis: 'none',
  message,
});

function proofWords(proof: ProofEvidence): string {
  const answers = Object.values(proof.seen).reduce((sum, n) => sum + n, 0);
  return `${answers}/${proof.requests}, ${proof.basis}`;
}

const weightWords = (wish: TrafficWish | undefined): string =>
  Object.entries(wish?.weights ?? {})
    .map(([version, weight]) => `${version} ${weight} %`)
    .join(', ') || 'no weights';
