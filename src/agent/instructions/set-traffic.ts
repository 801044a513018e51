import type { ExecutionSpec } from '../../api/execution.ts';
import type { Instruction, Side, Weights } from '../../api/plan.ts';
import type { TrafficTotals } from '../../api/release.ts';
import type { ServiceKey, TrafficWish } from '../../drivers/cluster-driver.ts';
import { InvariantViolation } from '../../lib/errors.ts';
import {
  countOf,
  done,
  fullOf,
  type InstructionContext,
  type InstructionOutcome,
  serviceKey,
  servicesOf,
  sharesOf,
  versionOf,
  workloadKey,
} from '../context.ts';
import { type Look, waitUntil } from '../wait-until.ts';
import { failure } from '../words.ts';

type SetTraffic = Extract<Instruction, { type: 'setTraffic' }>;

/** A proof that is missing at the write is waited for this long: a restarted driver may prove again. */
const PROOF_GRACE_MS = 5_000;

export interface FlipEvidence {
  readonly flipMs: number;
  readonly at: string;
  readonly generation: number;
  readonly weights: Readonly<Record<string, number>>;
  /**
   * What the entry had counted when the write was in force: all that failed before it is not this flip's doing.
   * Null: not measured.
   */
  readonly counted: TrafficTotals | null;
}

export async function setTraffic(
  context: InstructionContext,
  { workload, weights }: SetTraffic,
): Promise<InstructionOutcome> {
  const shares = sharesOf(context.spec, workload, weights);
  const needs = neededInstances(context.spec, workload, weights, shares);
  const flip = await writeTraffic(context, workload, shares, needs);
  if (!flip.ok) return { state: 'failed', failure: flip.failure };
  return done(shareWords(flip.value.weights), { ...flip.value });
}

/**
 * Writes the shares of one service: proof of each version whose share rises is looked at first, uncached
 * (INV-1), the lease held at the moment of the write (INV-23), an own prober beginning before it.
 */
export async function writeTraffic(
  context: InstructionContext,
  workload: string,
  shares: Readonly<Record<Side, number>>,
  needs: Readonly<Record<Side, number>>,
) {
  const { trafficRouter, lease } = context.ports;
  const service = serviceKey(context, workload);
  const wish = wishOf(context, service, shares);
  if (Object.values(wish.weights).reduce((sum, weight) => sum + weight, 0) !== 100) {
    throw new InvariantViolation('INV-2', `weights of ${workload}: ${JSON.stringify(wish.weights)}`);
  }
  let proven = false;
  const route = wish.routes[0];
  const look = async (): Promise<Look<FlipEvidence>> => {
    // First, since waiting for it would make the proof old (INV-1: at most 2 s).
    await lease.held(context.signal);
    const before = await trafficRouter.traffic(service);
    const missing = await missingProof(context, workload, shares, needs, before);
    if (missing !== null) return { kind: 'waiting', message: missing, progress: 0 };
    proven = true;
    // Nothing to ask before the first write of a service: its routes do not exist yet.
    if (before !== undefined && route !== undefined) context.probers.start(workload, route);
    const written = await trafficRouter.setTraffic(wish);
    // At once, so that as little as can be of what the new weights do is taken for what was before them.
    const counted = written.ok ? await context.counted() : null;
    if (!written.ok) {
      return {
        kind: 'failed',
        failure: await failure(context, 'trafficRefused', `The traffic router refused: ${written.reason}`),
      };
    }
    if (route !== undefined) context.probers.start(workload, route);
    const { flipMs, at, generation } = written;
    return { kind: 'done', value: { flipMs, at, generation, weights: wish.weights, counted } };
  };
  const waited = await waitUntil(context, `traffic of ${workload} cannot be written`, look, {
    deadlineMs: Math.min(PROOF_GRACE_MS, context.spec.deadlineMs),
  });
  if (!waited.ok && waited.failure.reason === 'deadline' && !proven) {
    return { ok: false as const, failure: { ...waited.failure, reason: 'proofMissing' } };
  }
  return waited;
}

/** Instances that each side must have proven to be given its share. */
export function neededInstances(
  spec: ExecutionSpec,
  workload: string,
  weights: Weights,
  shares: Readonly<Record<Side, number>>,
): Record<Side, number> {
  const need = (side: Side) =>
    weights.kind === 'byCapacity'
      ? Math.max(1, countOf(spec, side, workload, weights[side]))
      : Math.max(1, Math.ceil((fullOf(spec, side, workload) * shares[side]) / 100));
  return { from: need('from'), to: need('to') };
}

function wishOf(
  context: InstructionContext,
  service: ServiceKey,
  shares: Readonly<Record<Side, number>>,
): TrafficWish {
  const { spec, fence } = context;
  const to = versionOf(spec, 'to', service.workload);
  const from = versionOf(spec, 'from', service.workload);
  const weights: Record<string, number> = {};
  for (const [version, weight] of [
    [to, shares.to],
    [from, shares.from],
  ] as const) {
    if (version !== null && weight > 0) weights[version] = (weights[version] ?? 0) + weight;
  }
  return {
    service,
    routes: routesOf(context, service.workload),
    weights,
    aliases: { new: to, old: from },
    fence,
  };
}

/** A route without a workload leads to the one service there is. */
export function routesOf({ spec }: InstructionContext, workload: string) {
  const services = servicesOf(spec);
  const only = services.length === 1 ? services[0] : undefined;
  return spec.routes.filter((route) => (route.workload ?? only) === workload);
}

/** INV-1 asks of the destination only: of each version whose share rises. */
async function missingProof(
  context: InstructionContext,
  workload: string,
  shares: Readonly<Record<Side, number>>,
  needs: Readonly<Record<Side, number>>,
  before: TrafficWish | undefined,
): Promise<string | null> {
  for (const side of ['to', 'from'] as const) {
    const version = versionOf(context.spec, side, workload);
    if (version === null || shares[side] <= (before?.weights[version] ?? 0)) continue;
    const seen = await context.ports.driver.observe(workloadKey(context, side, workload));
    const proven = Math.min(seen?.proven ?? 0, seen?.ready ?? 0);
    if (proven < needs[side]) {
      return `${version} may not have ${shares[side]} %: ${proven} of ${needs[side]} instances are proven (INV-1)`;
    }
  }
  return null;
}

const shareWords = (weights: Readonly<Record<string, number>>): string =>
  Object.entries(weights)
    .map(([version, weight]) => `${weight} % on ${version}`)
    .join(', ');
