import { durationMs } from '../../api/duration.ts';
import { applyCommands } from './commands.ts';
import { conditionsOf } from './conditions.ts';
import { Draft, type Failure } from './draft.ts';
import { stopsAtFailedRequest } from './failed-requests.ts';
import { finishGateRuns, runGateStep } from './gate-step.ts';
import type { ReleaseDecision, ReleaseInput } from './input.ts';
import { runInstructionStep } from './instruction-step.ts';
import { latestTraffic } from './latest-traffic.ts';
import { affectsWords, nextWords } from './next-words.ts';
import { followSetBackClock } from './set-back-clock.ts';
import { enterPhase, hasEnded } from './state.ts';
import { waitingOf } from './waiting.ts';

/** More moves than any plan has: beyond it something goes in circles. */
const MOST_MOVES = 10_000;

/**
 * What a release does next: pure, from one gathered input to the next status, effects and replies
 * (design section 3). Deciding again from the same input gives the same result (INV-17); deciding with no news
 * gives the same status and only repeats effects whose objects are missing.
 */
export function decide(input: ReleaseInput): ReleaseDecision {
  const draft = new Draft(input);
  const { status } = draft;
  followSetBackClock(status, input.now);
  const traffic = latestTraffic(input);
  if (traffic !== null && !hasEnded(status.phase)) status.traffic = traffic;
  applyCommands(draft);
  if (input.supersededBy !== null && !hasEnded(status.phase) && status.direction === 'forward') {
    draft.turnBack('superseded', input.supersededBy, `superseded by ${input.supersededBy}`);
  }
  let moves = 0;
  while (move(draft)) {
    moves += 1;
    if (moves > MOST_MOVES)
      throw new Error(`release ${input.name} goes in circles at ${status.phase}/${status.step}`);
  }
  finishGateRuns(draft);
  if (status.failure !== null)
    status.failure = { ...status.failure, affects: affectsWords(draft), next: nextWords(draft) };
  status.waiting = waitingOf(draft);
  status.conditions = conditionsOf(status, draft.now);
  return {
    status,
    effects: draft.effects,
    replies: draft.replies,
    wakeAt: hasEnded(status.phase) ? null : draft.wakeAt,
  };
}

/** One move of the machine; false when it has to wait. */
function move(draft: Draft): boolean {
  const { status } = draft;
  if (hasEnded(status.phase)) return false;
  if (status.phase === 'Pending') {
    status.startedAt = draft.now;
    enterPhase(status, 'Progressing');
    draft.enterStep('gatesBefore');
    return true;
  }
  if (stopsAtFailedRequest(draft)) return true;
  if (status.pause !== null) return expirePause(draft);
  const stage = draft.stage;
  if (stage === undefined) {
    draft.end(finalPhase(draft));
    return true;
  }
  const stageStatus = draft.stageStatus;
  if (stageStatus !== undefined && stageStatus.startedAt === null) stageStatus.startedAt = draft.now;
  switch (status.step) {
    case 'gatesBefore':
      return gates(draft, 'before');
    case 'instructions': {
      if (stageStatus !== undefined) stageStatus.state = 'running';
      const result = runInstructionStep(draft, stage);
      if (result.state === 'waiting') return false;
      if (result.state === 'failed') return fail(draft, result.failure);
      if (result.state === 'unknown') {
        draft.noteFailure(result.failure);
        draft.pause('unknown', 'slipway', durationMs(draft.spec.policy.pauseExpiry));
        return true;
      }
      draft.enterStep('gatesAfter');
      enterPhase(status, draft.runningPhase());
      return true;
    }
    case 'gatesAfter':
      return gates(draft, 'after');
    case 'advance':
      return advance(draft);
    case 'ended':
      return false;
  }
}

function gates(draft: Draft, when: 'before' | 'after'): boolean {
  const { stage, status, stageStatus } = draft;
  if (stage === undefined) return false;
  if (when === 'before' && beginsRequestedPause(draft)) return true;
  if (stageStatus !== undefined) stageStatus.state = when === 'before' ? 'gatesBefore' : 'gatesAfter';
  const result = runGateStep(draft, stage, when);
  switch (result.state) {
    case 'passed':
      draft.enterStep(when === 'before' ? 'instructions' : 'advance');
      enterPhase(status, draft.runningPhase());
      return true;
    case 'waiting':
      // A person is waited for, so it reads as paused; agents' gates and soaks are progress.
      enterPhase(
        status,
        result.gates.every((gate) => gate.approval !== undefined) ? 'Paused' : draft.runningPhase(),
      );
      return false;
    case 'expired':
      draft.turnBack('abort', 'clock', `approval ${result.gate.name} expired`);
      return true;
    case 'unknown':
      draft.noteFailure({
        reason: 'gateUnknown',
        message: `nobody knows what gate ${result.gate.name} did: its command was cut off, and it may not run twice`,
        affects: status.flipped
          ? 'users stay where they are'
          : `users are not affected: ${draft.spec.from ?? 'nothing'} serves`,
        advice: `slipway skip ${draft.input.name} --gate ${result.gate.name} --why "…"`,
      });
      draft.pause('unknown', 'slipway', durationMs(draft.spec.policy.pauseExpiry));
      return true;
    case 'failed':
      return fail(draft, result.failure);
    case 'rejected':
      // A person said no: no policy asks again.
      draft.noteFailure(result.failure);
      draft.turnBack('failure', result.by, result.why);
      return true;
  }
}

function advance(draft: Draft): boolean {
  const { stage, status } = draft;
  if (stage === undefined) return false;
  // All of it is done, and it says so while it waits.
  if (draft.stageStatus !== undefined) draft.stageStatus.state = 'waiting';
  if (stage.advance.kind === 'manual' && !status.promoted && !status.full && status.direction === 'forward') {
    draft.pause('plan', 'plan', durationMs(draft.spec.policy.pauseExpiry));
    return true;
  }
  if (stage.advance.kind === 'soak' && !status.promoted) {
    const until = Date.parse(status.stepSince) + stage.advance.ms;
    if (draft.input.now < until) {
      draft.wake(until);
      return false;
    }
  }
  if (draft.stageStatus !== undefined) {
    draft.stageStatus.state = 'done';
    draft.stageStatus.endedAt = draft.now;
  }
  status.stage += 1;
  if (status.stage >= draft.stages.length) {
    draft.end(finalPhase(draft));
    return true;
  }
  draft.enterStep(status.direction === 'forward' ? 'gatesBefore' : 'instructions');
  enterPhase(status, draft.runningPhase());
  return true;
}

/** A pause that a person asked for begins at a boundary, never in the middle of instructions. */
function beginsRequestedPause(draft: Draft): boolean {
  const { status } = draft;
  if (status.pauseRequested === null || status.direction === 'back') return false;
  const { by } = status.pauseRequested;
  status.pauseRequested = null;
  draft.pause('requested', by, durationMs(draft.spec.policy.pauseExpiry));
  return true;
}

/** A pause that nobody ends turns the release back; its clock is not the progress clock (peers.md row 14). */
function expirePause(draft: Draft): boolean {
  const { pause } = draft.status;
  if (pause === null) return false;
  const expiresAt = Date.parse(pause.expiresAt);
  if (draft.input.now < expiresAt) {
    draft.wake(expiresAt);
    return false;
  }
  draft.turnBack('abort', 'clock', `paused since ${pause.since} and nobody went on`);
  return true;
}

function fail(draft: Draft, failure: Failure): boolean {
  const { status, spec } = draft;
  draft.noteFailure(failure);
  if (draft.stageStatus !== undefined) {
    draft.stageStatus.state = 'failed';
    draft.stageStatus.message = failure.message;
  }
  if (status.direction === 'back') {
    draft.end('Failed');
    return true;
  }
  if (spec.policy.onFailure === 'rollback') draft.turnBack('failure', 'slipway', failure.message);
  else draft.pause('failure', 'slipway', durationMs(spec.policy.pauseExpiry));
  return true;
}

function finalPhase({ status }: Draft): 'Succeeded' | 'Aborted' | 'RolledBack' | 'Superseded' {
  if (status.direction === 'forward') return 'Succeeded';
  switch (status.turn?.cause) {
    case 'abort':
      return 'Aborted';
    case 'superseded':
      return 'Superseded';
    default:
      return 'RolledBack';
  }
}
