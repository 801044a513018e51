import type { Instruction } from '../../api/plan.ts';
import type { DrainRecord, WorkloadObservation } from '../../drivers/cluster-driver.ts';
import { durationMs } from '../../lib/durations.ts';
import {
  countOf,
  done,
  type InstructionContext,
  type InstructionOutcome,
  pinnedOf,
  serviceKey,
  workloadKey,
} from '../context.ts';
import { waitUntil } from '../wait-until.ts';
import { failure } from '../words.ts';
import { endService, serviceEnds } from './end-service.ts';
import { wishOf } from './wish-workload.ts';

type Drain = Extract<Instruction, { type: 'drain' }>;

export interface DrainEvidence {
  readonly version: string;
  readonly ms: number;
  readonly requests: number;
  readonly streams: number;
  readonly cut: number;
  /** Instances that ignored SIGTERM for their whole grace; absent where none did. */
  readonly killed?: number;
}

/** Time that the driver takes on top of the caps that the application set. */
const MARGIN_MS = 10_000;

export async function drain(context: InstructionContext, instruction: Drain): Promise<InstructionOutcome> {
  const { side, workload, replicas } = instruction;
  if (replicas.kind === 'full') return leave(context, instruction);
  const wanted = countOf(context.spec, side, workload, replicas);
  const key = workloadKey(context, side, workload);
  if (wanted === 0 && (await serviceEnds(context, side, workload))) await endService(context, workload);
  const refusal = wanted === 0 ? await stillNamed(context, workload, key.version) : null;
  if (refusal !== null) return { state: 'failed', failure: refusal };
  const write = wishOf(context, side, workload, wanted);
  if (write === undefined) {
    return {
      state: 'failed',
      failure: await failure(context, 'noWorkload', `${key.version} has no workload ${workload}.`),
    };
  }
  let written = false;
  const waited = await waitUntil(
    context,
    `${key.version} does not drain`,
    async () => {
      if (!written) await write();
      written = true;
      const seen = await context.ports.driver.observe(key);
      if (seen === undefined) return { kind: 'done', value: undefined };
      const present = seen.instances.filter(({ state }) => state !== 'exited').length;
      if (seen.wanted <= wanted && present <= wanted && seen.retiring === 0)
        return { kind: 'done', value: seen };
      const surplus = Math.max(present - wanted, seen.retiring);
      const load = await inside(context, workload, key.version);
      const gone = drainsSince(seen, context.startedAt).length;
      return {
        kind: 'waiting',
        message: `draining ${surplus} of ${surplus + gone}${load === null ? '' : `, ${load} in flight`}`,
        // An instance that has gone counts for more than any number of requests.
        progress: gone * 1_000_000 - present - (load ?? 0),
      };
    },
    { deadlineMs: drainDeadline(context, instruction) },
  );
  if (!waited.ok) return { state: 'failed', failure: waited.failure };
  const evidence = drainEvidence(key.version, waited.value, context.startedAt);
  return done(drainWords(evidence), { ...evidence });
}

/** All instances stay; ordinary requests leave, or the application's own cap is over. */
async function leave(context: InstructionContext, instruction: Drain): Promise<InstructionOutcome> {
  const { side, workload } = instruction;
  const { clock } = context.ports;
  const key = workloadKey(context, side, workload);
  const capMs = durationMs(pinnedOf(context.spec, side, workload)?.drain.timeout ?? '30s');
  const began = clock.monotonic();
  let atStart: { requests: number; streams: number } | null = null;
  const waited = await waitUntil(
    context,
    `requests do not leave ${key.version}`,
    async () => {
      const load = await context.ports.trafficRouter.load(serviceKey(context, workload), key.version);
      atStart ??= load;
      if (load.requests === 0 || clock.monotonic() - began >= capMs) return { kind: 'done', value: load };
      return {
        kind: 'waiting',
        message: `draining ${key.version}, ${load.requests} in flight`,
        progress: -load.requests,
      };
    },
    { deadlineMs: Math.max(context.spec.deadlineMs, capMs + MARGIN_MS) },
  );
  if (!waited.ok) return { state: 'failed', failure: waited.failure };
  const first: { requests: number; streams: number } = atStart ?? waited.value;
  const evidence: DrainEvidence & { remaining: number } = {
    version: key.version,
    ms: Math.round(clock.monotonic() - began),
    requests: first.requests,
    streams: first.streams,
    // The instances stay up, so what is still inside goes on to its end.
    cut: 0,
    remaining: waited.value.requests,
  };
  return done(drainWords(evidence), { ...evidence });
}

/** INV-5: nothing that routes name is taken down to nothing. */
async function stillNamed(context: InstructionContext, workload: string, version: string) {
  const wish = await context.ports.trafficRouter.traffic(serviceKey(context, workload));
  const weight = wish?.weights[version] ?? 0;
  if (weight === 0) return null;
  return failure(
    context,
    'stillNamed',
    `${version} still has ${weight} % of the traffic and is not scaled to nothing (INV-5).`,
  );
}

async function inside(
  context: InstructionContext,
  workload: string,
  version: string,
): Promise<number | null> {
  if (pinnedOf(context.spec, 'to', workload)?.type === 'worker') return null;
  if (pinnedOf(context.spec, 'from', workload)?.type === 'worker') return null;
  const load = await context.ports.trafficRouter.load(serviceKey(context, workload), version);
  return load.requests + load.streams;
}

function drainDeadline(context: InstructionContext, { side, workload }: Drain): number {
  const caps = pinnedOf(context.spec, side, workload)?.drain;
  const capsMs =
    caps === undefined
      ? 0
      : durationMs(caps.timeout) + Math.max(durationMs(caps.streamTimeout), durationMs(caps.grace));
  return Math.max(context.spec.deadlineMs, capsMs + MARGIN_MS);
}

const drainsSince = (seen: WorkloadObservation | undefined, since: string): readonly DrainRecord[] =>
  seen?.drains.filter((record) => Date.parse(record.startedAt) >= Date.parse(since)) ?? [];

/** Sums over the instances that ended since `since`; the time is the longest one's. */
export function drainEvidence(
  version: string,
  seen: WorkloadObservation | undefined,
  since: string,
): DrainEvidence {
  const records = drainsSince(seen, since);
  const sum = (pick: (record: DrainRecord) => number) => records.reduce((total, r) => total + pick(r), 0);
  const killed = sum((record) => Number(record.killed ?? false));
  return {
    version,
    ms: Math.max(0, ...records.map(({ ms }) => ms)),
    requests: sum(({ requests }) => requests),
    streams: sum(({ streams }) => streams),
    cut: sum(({ cut }) => cut),
    ...(killed === 0 ? {} : { killed }),
  };
}

const drainWords = ({ requests, streams, cut, ms, killed }: DrainEvidence): string =>
  `drained in ${Math.round(ms)} ms: ${requests} requests, ${streams} streams, ${cut} cut` +
  (killed === undefined ? '' : `; ${killed} ignored SIGTERM and ${killed === 1 ? 'was' : 'were'} killed`);
