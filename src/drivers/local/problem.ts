import { instant } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/durations.ts';
import type { WorkloadProblem } from '../cluster-driver.ts';
import { type Failure, problemOfSlots, type SlotHistory, withLines } from './failures.ts';
import type { InstanceState } from './instance.ts';

/** Proofs in a row that may fail until nobody waits for the next. */
const FINAL_PROOFS = 10;

/** What can be wrong with one instance that runs. */
export interface Symptoms {
  readonly id: string;
  readonly state: InstanceState;
  readonly record: { readonly ordinal: number; readonly startedAt: number };
  readonly health:
    | {
        readonly failedProofs: { readonly count: number; readonly reason: string } | null;
        readonly lastProbe: { readonly outcome: { readonly message: string } } | null;
        readonly lastReadyAt: number | null;
      }
    | undefined;
}

/** The one problem of a workload that people should hear of first; null when all is well. */
export function problemOf(seen: {
  /** A migration that failed: it runs once, so it is over. */
  readonly job: { readonly failure: Failure | null; readonly record: { readonly startedAt: number } } | null;
  readonly slots: ReadonlyMap<number, SlotHistory>;
  readonly instances: readonly Symptoms[];
  /** Serving though not ready. */
  readonly leastBad: readonly string[];
  /** Time that a start may take. */
  readonly startTimeoutMs: number;
  readonly now: number;
}): WorkloadProblem | null {
  if (seen.job?.failure != null) {
    const { message, lines } = seen.job.failure;
    return {
      reason: 'crashLoop',
      message: withLines(`${message}.`, lines),
      since: instant(seen.job.record.startedAt),
      final: true,
    };
  }
  const ready = new Set(
    seen.instances.filter(({ state }) => state === 'ready').map(({ record }) => record.ordinal),
  );
  const slots = [...seen.slots].map(([ordinal, history]) => ({ history, isReady: ready.has(ordinal) }));
  return problemOfSlots(slots, seen.now) ?? proofProblem(seen) ?? probeProblem(seen) ?? startProblem(seen);
}

function proofProblem({
  instances,
  now,
}: {
  instances: readonly Symptoms[];
  now: number;
}): WorkloadProblem | null {
  const failing = instances.flatMap(({ id, state, health }) =>
    state === 'ready' && health?.failedProofs != null
      ? [{ id, lastReadyAt: health.lastReadyAt, ...health.failedProofs }]
      : [],
  );
  const worst = failing.toSorted((a, b) => b.count - a.count)[0];
  if (worst === undefined) return null;
  const { count, reason } = worst;
  return {
    reason: 'proofFailed',
    message:
      `${reason} (${worst.id} asked through the router, ${count} ${count === 1 ? 'try' : 'tries'}; ` +
      `${counted(failing.length)} ready all the same), so no traffic goes there.`,
    since: instant(worst.lastReadyAt ?? now),
    final: count >= FINAL_PROOFS,
  };
}

function probeProblem({
  instances,
  leastBad,
  now,
}: {
  instances: readonly Symptoms[];
  leastBad: readonly string[];
  now: number;
}): WorkloadProblem | null {
  const lost = instances.filter(({ state }) => state === 'notReady');
  const first = lost[0];
  if (first === undefined) return null;
  const kept =
    leastBad.length === 0 ? '' : ` None is ready, so ${counted(leastBad.length)} kept in service (INV-7).`;
  return {
    reason: 'probeFailed',
    message: `${counted(lost.length)} not ready any more (${first.id}: ${first.health?.lastProbe?.outcome.message ?? 'not probed'}).${kept}`,
    since: instant(Math.min(...lost.map(({ health }) => health?.lastReadyAt ?? now))),
    final: false,
  };
}

/** Starts are no news for this long, in ms: most are over by then. */
const QUIET_MS = 2_000;

/** What keeps a start from getting ready, and how long it may still take. */
function startProblem({
  instances,
  startTimeoutMs,
  now,
}: {
  instances: readonly Symptoms[];
  startTimeoutMs: number;
  now: number;
}): WorkloadProblem | null {
  const late = instances.filter(
    ({ state, record, health }) =>
      state === 'starting' && health?.lastProbe != null && now - record.startedAt >= QUIET_MS,
  );
  const first = late.toSorted((a, b) => a.record.startedAt - b.record.startedAt)[0];
  if (first === undefined) return null;
  const left = Math.max(0, first.record.startedAt + startTimeoutMs - now);
  return {
    reason: 'probeFailed',
    message: `${counted(late.length)} not ready yet (${first.id}: ${first.health?.lastProbe?.outcome.message ?? ''}), with ${formatDuration(Math.ceil(left / 1_000) * 1_000)} left of its start timeout.`,
    since: instant(first.record.startedAt),
    final: false,
  };
}

const counted = (n: number): string => `${n} ${n === 1 ? 'instance is' : 'instances are'}`;
