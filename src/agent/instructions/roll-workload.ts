import type { Instruction, Side } from '../../api/plan.ts';
import type { WorkloadKey, WorkloadObservation } from '../../drivers/cluster-driver.ts';
import { evaluateAllowance } from '../../engine/counts.ts';
import {
  countOf,
  done,
  type Failure,
  type InstructionContext,
  type InstructionOutcome,
  otherSide,
  pinnedOf,
  serviceKey,
  sharesOf,
  workloadKey,
} from '../context.ts';
import { type Look, waitUntil } from '../wait-until.ts';
import { failure, readyWords, stuckWords } from '../words.ts';
import { type DrainEvidence, drainEvidence } from './drain.ts';
import { proveAfter } from './prove-traffic.ts';
import { type RollStep, rollStep } from './roll-step.ts';
import { type FlipEvidence, routesOf, writeTraffic } from './set-traffic.ts';
import { waitOutLag } from './wait-out-lag.ts';
import { wishOf } from './wish-workload.ts';

type RollWorkload = Extract<Instruction, { type: 'rollWorkload' }>;

interface Roll {
  readonly side: Side;
  readonly workload: string;
  readonly full: number;
  /** Size of the side that is replaced. */
  readonly fullOld: number;
  readonly newKey: WorkloadKey;
  /** Null when there is nothing to replace. */
  readonly oldKey: WorkloadKey | null;
  readonly routed: boolean;
  readonly flips: FlipEvidence[];
  /** The latest, refused or not. */
  proof: unknown;
  /** What all of them asked of the entry: who reconciles the router's counts needs each request. */
  readonly proofs: { requests: number; failed: number };
  drain: DrainEvidence | null;
}

/** New instances up and proven, then old ones down, traffic following the capacity; the old workload goes. */
export async function rollWorkload(
  context: InstructionContext,
  instruction: RollWorkload,
): Promise<InstructionOutcome> {
  const { side, workload, replicas } = instruction;
  const newKey = workloadKey(context, side, workload);
  const hasOld = pinnedOf(context.spec, otherSide(side), workload) !== undefined;
  const oldKey = hasOld ? workloadKey(context, otherSide(side), workload) : null;
  const roll: Roll = {
    side,
    workload,
    full: countOf(context.spec, side, workload, replicas),
    fullOld: countOf(context.spec, otherSide(side), workload, replicas),
    newKey,
    oldKey: oldKey?.version === newKey.version ? null : oldKey,
    routed: routesOf(context, workload).length > 0,
    flips: [],
    proof: null,
    proofs: { requests: 0, failed: 0 },
    drain: null,
  };
  const waited = await waitUntil(context, `${newKey.version} does not replace the old instances`, () =>
    oneStep(context, roll),
  );
  const proven = roll.proof === null ? {} : { proof: roll.proof, proofs: { ...roll.proofs } };
  if (!waited.ok) return { state: 'failed', failure: waited.failure, evidence: proven };
  const flip = roll.flips.at(-1);
  return done(`${roll.full} of ${roll.full} replaced`, {
    version: newKey.version,
    wanted: roll.full,
    ready: waited.value.ready,
    ...(flip === undefined
      ? {}
      : { ...flip, counted: roll.flips[0]?.counted ?? null, flips: roll.flips.length }),
    ...proven,
    ...(roll.drain === null ? {} : { drain: roll.drain }),
  });
}

async function oneStep(context: InstructionContext, roll: Roll): Promise<Look<WorkloadObservation>> {
  const { driver } = context.ports;
  const { newKey, oldKey, full } = roll;
  const seen = await driver.observe(newKey);
  const old = oldKey === null ? undefined : await driver.observe(oldKey);
  const newReady = Math.min(seen?.ready ?? 0, roll.routed ? (seen?.proven ?? 0) : Number.POSITIVE_INFINITY);
  const step = rollStep({
    full,
    fullOld: roll.fullOld,
    surge: evaluateAllowance(context.spec.maxSurge[roll.workload] ?? 1, full, 'surge'),
    unavailable: evaluateAllowance(context.spec.maxUnavailable[roll.workload] ?? 0, full, 'unavailable'),
    newWanted: seen?.wanted ?? 0,
    newReady,
    oldWanted: old?.wanted ?? 0,
  });
  const failed = await act(context, roll, step, newReady);
  if (failed !== null) return { kind: 'failed', failure: failed };
  if (step.do === 'done' && seen !== undefined) return finish(context, roll, seen, old);
  if (step.do === 'wait' && seen?.problem?.final === true) {
    return {
      kind: 'failed',
      failure: await failure(
        context,
        seen.problem.reason,
        stuckWords({ version: newKey.version, cluster: context.spec.cluster }, seen, full, seen.problem),
      ),
    };
  }
  return {
    kind: 'waiting',
    message: `${readyWords(seen, full)}, ${old?.instances.filter((i) => i.state !== 'exited').length ?? 0} old left${seen?.problem == null ? '' : `; ${seen.problem.message}`}`,
    progress: newReady - (old?.wanted ?? 0),
    evidence: { wanted: full, ready: Math.min(newReady, full) },
  };
}

async function act(
  context: InstructionContext,
  roll: Roll,
  step: RollStep,
  newReady: number,
): Promise<Failure | null> {
  const { side, workload, full } = roll;
  switch (step.do) {
    case 'grow': {
      const write = wishOf(context, side, workload, step.to);
      if (write === undefined) {
        return failure(context, 'noWorkload', `${roll.newKey.version} has no workload ${workload}.`);
      }
      await write();
      return null;
    }
    case 'shrink': {
      if (roll.routed) {
        const refused = await followCapacity(context, roll, newReady, step.to);
        if (refused !== null) return refused;
        // The proof takes its time, and somebody else may have written the traffic meanwhile: look again (INV-5).
        if (newReady > 0 && (await oldShare(context, roll)) > sharesAt(context, roll, newReady, step.to).old)
          return null;
      }
      await wishOf(context, otherSide(side), workload, step.to)?.();
      return null;
    }
    case 'stuck':
      return failure(
        context,
        'noRoom',
        `${roll.newKey.version} has no room: maxSurge and maxUnavailable of ${workload} are both 0 at ${full}.`,
      );
    case 'done':
      // With nothing old to shrink, no traffic has been written yet; or it was written over since.
      return roll.routed && (roll.flips.length === 0 || (await oldShare(context, roll)) > 0)
        ? followCapacity(context, roll, newReady, 0)
        : null;
    case 'wait':
      return null;
  }
}

/** Writes the shares of what will be left, and proves the entry when the old side is to have nothing. */
async function followCapacity(
  context: InstructionContext,
  roll: Roll,
  newReady: number,
  oldLeft: number,
): Promise<Failure | null> {
  if (newReady === 0) return null;
  const { shares } = sharesAt(context, roll, newReady, oldLeft);
  const wish = await context.ports.trafficRouter.traffic(serviceKey(context, roll.workload));
  const newShare = shares[roll.side];
  if (wish?.weights[roll.newKey.version] !== newShare || roll.flips.length === 0) {
    const needs = { from: 1, to: 1, [roll.side]: newReady };
    const written = await writeTraffic(context, roll.workload, shares, needs);
    if (!written.ok) return written.failure;
    roll.flips.push(written.value);
    // Where its first flip stood: the manager judges by it what fails while the rest goes on.
    if (roll.flips.length === 1) {
      context.progress(`traffic moves to ${roll.newKey.version}`, { counted: written.value.counted });
    }
    // The old side shrinks next: not while requests still follow the shares from before.
    await waitOutLag(context);
  }
  if (newShare < 100) return null;
  const proof = await proveAfter(context, { workload: roll.workload });
  const evidence = proof.state === 'unknown' ? undefined : proof.evidence;
  roll.proof = evidence ?? null;
  roll.proofs.requests += Number(evidence?.requests ?? 0);
  roll.proofs.failed += Number(evidence?.failed ?? 0);
  return proof.state === 'done' ? null : proof.failure;
}

/** What each side is to have when so many of them are left. */
function sharesAt(context: InstructionContext, roll: Roll, newReady: number, oldLeft: number) {
  const counts = { new: { kind: 'fixed', n: newReady }, old: { kind: 'fixed', n: oldLeft } } as const;
  const weights =
    roll.side === 'to'
      ? ({ kind: 'byCapacity', from: counts.old, to: counts.new } as const)
      : ({ kind: 'byCapacity', from: counts.new, to: counts.old } as const);
  const shares = sharesOf(context.spec, roll.workload, weights);
  return { shares, old: shares[otherSide(roll.side)] };
}

/** What the side that is replaced has now. */
async function oldShare(context: InstructionContext, { workload, oldKey }: Roll): Promise<number> {
  if (oldKey === null) return 0;
  const wish = await context.ports.trafficRouter.traffic(serviceKey(context, workload));
  return wish?.weights[oldKey.version] ?? 0;
}

async function finish(
  context: InstructionContext,
  roll: Roll,
  seen: WorkloadObservation,
  old: WorkloadObservation | undefined,
): Promise<Look<WorkloadObservation>> {
  if (roll.oldKey === null || old === undefined) return { kind: 'done', value: seen };
  roll.drain = drainEvidence(roll.oldKey.version, old, context.startedAt);
  const left = old.instances.filter(({ state }) => state !== 'exited').length;
  if (left === 0) await context.ports.driver.removeWorkload(roll.oldKey);
  return { kind: 'waiting', message: `${left} old draining`, progress: roll.full - left };
}
