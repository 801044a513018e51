import type { Stage } from '../../api/plan.ts';
import type { ReleasePhase, ReleaseSpec, ReleaseStatus } from '../../api/release.ts';
import { InvariantViolation } from '../../lib/errors.ts';

/**
 * The release state machine.
 *
 * ```
 *  Pending ──► Progressing ⇄ Paused            a pause of the plan, of a person, of a failure, an approval
 *     │            │  │  └──────────┐
 *     │            │  └► Verifying ─┼─► Succeeded          gates after the last stage
 *     │            ▼         │      ▼
 *     │        Aborting ◄────┴── (abort, expiry, superseded)
 *     │            │  └► Aborted | Superseded
 *     │        RollingBack ◄──── (failure by policy, rollback)
 *     │            │  └► RolledBack
 *     └► Aborted | Superseded     nothing was begun: nothing changes (INV-9)
 *  Aborting, RollingBack ──► Failed            the way back itself failed; says what stands where
 * ```
 *
 * The way forward and the way back are lists of stages; within a stage the steps are
 * gatesBefore → instructions → gatesAfter → advance. Turning back raises the epoch, so that nothing that was
 * ordered before can still take effect (INV-12, INV-20).
 */
const ARROWS: Readonly<Record<ReleasePhase, readonly ReleasePhase[]>> = {
  Pending: ['Progressing', 'Aborted', 'Superseded', 'RolledBack'],
  Progressing: ['Paused', 'Verifying', 'Aborting', 'RollingBack', 'Aborted', 'RolledBack', 'Superseded'],
  Paused: ['Progressing', 'Verifying', 'Aborting', 'RollingBack', 'Aborted', 'RolledBack', 'Superseded'],
  Verifying: ['Succeeded', 'Paused', 'Aborting', 'RollingBack'],
  Aborting: ['Aborted', 'Superseded', 'Failed'],
  RollingBack: ['RolledBack', 'Failed'],
  Succeeded: [],
  Aborted: [],
  RolledBack: [],
  Failed: [],
  Superseded: [],
};

export const PHASE_ARROWS = ARROWS;

export const hasEnded = (phase: ReleasePhase): boolean => ARROWS[phase].length === 0;

/** Moves to a phase; an arrow that is not drawn above is a programming error. */
export function enterPhase(status: ReleaseStatus, phase: ReleasePhase): void {
  if (status.phase === phase) return;
  if (!ARROWS[status.phase].includes(phase)) {
    throw new InvariantViolation('INV-28', `no arrow from ${status.phase} to ${phase}`);
  }
  status.phase = phase;
}

/** Stages of the direction that the release goes in. */
export const stagesOf = (spec: ReleaseSpec, status: ReleaseStatus): readonly Stage[] =>
  status.direction === 'forward' ? spec.plan.stages : status.backStages;

export const stageStatuses = (stages: readonly Stage[]): ReleaseStatus['stages'] =>
  stages.map(({ number, title }) => ({
    number,
    title,
    state: 'pending',
    startedAt: null,
    endedAt: null,
    execution: null,
    message: null,
    flip: null,
    drain: null,
  }));

/** Status of a release that was just made. */
export function initialStatus(spec: ReleaseSpec, now: string): ReleaseStatus {
  return {
    phase: 'Pending',
    direction: 'forward',
    backStages: [],
    stage: 0,
    step: 'gatesBefore',
    stages: stageStatuses(spec.plan.stages),
    epoch: 1,
    sequence: 0,
    execution: null,
    gateRuns: {},
    verdicts: {},
    flipped: false,
    stepSince: now,
    turn: null,
    pauseRequested: null,
    promoted: false,
    full: false,
    untouchedFailures: 0,
    failedRequestsAccepted: 0,
    waiting: {
      for: 'start',
      message: 'waits for its turn',
      who: 'nobody',
      commands: [],
      since: now,
      expiresAt: null,
      onExpiry: null,
    },
    pause: null,
    progress: { usedMs: 0, runningSince: null },
    failure: null,
    startedAt: null,
    endedAt: null,
    traffic: null,
    commands: [],
    decision: null,
    receipt: null,
    conditions: [],
  };
}

/**
 * How a release ended before it began: `by` is the release that came instead, or with `abort` who gave it up, or its
 * own revision, which is live already (no newer release has that name: it is the first one's).
 */
export interface Unbegun {
  readonly by: string;
  readonly abort?: { readonly at: string; readonly why: string | null } | undefined;
}

function unbegunWords({ to }: ReleaseSpec, { by, abort }: Unbegun): string {
  if (abort !== undefined) return `given up by ${by} before it began`;
  return by === to ? `${to} is live already` : `superseded by ${by} before it began`;
}

export function unbegunStatus(spec: ReleaseSpec, now: string, { by, abort }: Unbegun): ReleaseStatus {
  const status = initialStatus(spec, now);
  const phase = abort === undefined ? 'Superseded' : 'Aborted';
  const words = unbegunWords(spec, { by, abort });
  const reason = abort?.why == null ? '' : ` (${abort.why})`;
  const message = `${phase}: ${words}${reason}`;
  return {
    ...status,
    phase,
    step: 'ended',
    endedAt: now,
    turn:
      abort === undefined
        ? {
            ...{ cause: 'superseded', by: 'slipway', at: now, why: words },
            ...(by === spec.to ? { alreadyLive: true } : {}),
          }
        : { cause: 'abort', by, at: now, why: abort.why },
    waiting: { ...status.waiting, for: 'nothing', message },
  };
}
