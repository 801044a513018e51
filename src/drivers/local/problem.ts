import { instant } from '../../lib/clock.ts';
import type { WorkloadProblem } from '../cluster-driver.ts';
import { type Failure, problemOfSlots, type SlotHistory, withLines } from './failures.ts';
import type { InstanceState } from './instance.ts';
import type { FailedProofs } from './instance-health.ts';

/** Proofs in a row that may fail until nobody waits for the next. */
const FINAL_PROOFS = 10;
/** The same of those that got no answer in all their time: seconds each, and no sign of life between them. */
const FINAL_SILENT_PROOFS = 3;

/** What can be wrong with one instance that runs. */
export interface Symptoms {
  readonly id: string;
  readonly state: InstanceState;
  readonly record: { readonly ordinal: number };
  readonly health:
    | {
        readonly failedProofs: FailedProofs | null;
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
  return problemOfSlots(slots, seen.now) ?? proofProblem(seen) ?? probeProblem(seen);
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
  const { count, silent, reason } = worst;
  return {
    reason: 'proofFailed',
    message:
      `${counted(failing.length)} ready and did not answer a request through the router ` +
      `(${worst.id}, ${count} ${count === 1 ? 'try' : 'tries'}: ${reason}), so no traffic goes there.`,
    since: instant(worst.lastReadyAt ?? now),
    final: count >= FINAL_PROOFS || silent >= FINAL_SILENT_PROOFS,
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

const counted = (n: number): string => `${n} ${n === 1 ? 'instance is' : 'instances are'}`;
