import type { Gate } from '../../api/gate.ts';
import { whyNotApprover } from '../approvers.ts';
import { decidable, ROOM_MS, remember } from '../command-memory.ts';
import { PROTECTION_GATE } from '../plan/plan-release.ts';
import { type ReleaseVerb, releaseCan } from './capabilities.ts';
import type { Draft } from './draft.ts';
import type { CommandInput } from './input.ts';
import { noteRetry } from './retried-stage.ts';
import { hasEnded } from './state.ts';

/** Applies every command that has no outcome yet, oldest first; each gets exactly one reply. */
export function applyCommands(draft: Draft): void {
  const asking = draft.input.commands;
  const { now, later } = decidable(asking, draft.status.commands);
  if (later) draft.wake(draft.input.now + ROOM_MS);
  for (const command of now) {
    const known = draft.status.commands.find((each) => each.uid === command.uid);
    if (known !== undefined) {
      // Decided before a crash could tell the caller: the same answer again.
      draft.replies.push({
        uid: command.uid,
        state: known.outcome.startsWith('refused: ') ? 'refused' : 'done',
        message: known.outcome.replace(/^refused: /, ''),
      });
      continue;
    }
    const outcome = apply(draft, command);
    const { uid, verb, by, at, why } = command;
    const said = outcome.ok ? outcome.message : `refused: ${outcome.message}`;
    draft.status.commands = remember(
      draft.status.commands,
      { uid, verb, by, at, why, outcome: said },
      asking,
    );
    draft.replies.push({
      uid: command.uid,
      state: outcome.ok ? 'done' : 'refused',
      message: outcome.message,
    });
  }
}

type Outcome = { ok: boolean; message: string };

function apply(draft: Draft, command: CommandInput): Outcome {
  const { status, spec } = draft;
  const can = releaseCan(spec, status)[command.verb as ReleaseVerb] as
    | { allowed: boolean; why: string }
    | undefined;
  if (can === undefined) return { ok: false, message: `a release has no verb ${command.verb}` };
  if (!can.allowed) return { ok: false, message: can.why };
  // What begins a new release is the track's to do; the release itself has ended.
  if (hasEnded(status.phase)) return { ok: true, message: can.why };
  switch (command.verb) {
    case 'promote':
      if (command.parameters.full === true) status.full = true;
      passPause(draft);
      return { ok: true, message: can.why };
    case 'resume':
      status.pauseRequested = null;
      if (status.pause !== null) passPause(draft);
      return { ok: true, message: can.why };
    case 'pause':
      status.pauseRequested = { by: command.by };
      return { ok: true, message: can.why };
    case 'approve':
    case 'reject':
      return decideGate(draft, command, command.verb === 'approve' ? 'pass' : 'fail');
    case 'skip':
      return skip(draft, command);
    case 'retry':
      return retry(draft);
    case 'abort':
      draft.turnBack('abort', command.by, command.why);
      return { ok: true, message: can.why };
    case 'rollback':
      draft.turnBack('rollback', command.by, command.why);
      return { ok: true, message: can.why };
    default:
      return { ok: false, message: `a release has no verb ${command.verb}` };
  }
}

/** Ends a pause; one that the plan asked for at the end of a stage is passed for good. */
function passPause(draft: Draft): void {
  const atBoundary = draft.status.pause?.reason === 'plan';
  draft.resume();
  if (atBoundary) draft.status.promoted = true;
}

const gatesNow = ({ status, stage }: Draft): readonly Gate[] =>
  (status.step === 'gatesBefore' ? stage?.gatesBefore : stage?.gatesAfter) ?? [];

function decideGate(draft: Draft, command: CommandInput, verdict: 'pass' | 'fail'): Outcome {
  const open = gatesNow(draft).filter(
    (gate) =>
      gate.approval !== undefined &&
      draft.status.verdicts[draft.status.gateRuns[gate.name] ?? ''] === undefined,
  );
  const wanted = command.parameters.gate;
  const gate = typeof wanted === 'string' ? open.find((each) => each.name === wanted) : open[0];
  if (gate === undefined) {
    return {
      ok: false,
      message: `there is no open approval ${String(wanted ?? '')}; open: ${open.map((g) => g.name).join(', ') || 'none'}`,
    };
  }
  const notTheirs = whyNotApprover(gate.approval?.by ?? '', command);
  if (notTheirs !== null) return { ok: false, message: notTheirs };
  const run = draft.status.gateRuns[gate.name];
  if (run === undefined) return { ok: false, message: `approval ${gate.name} has not begun` };
  draft.status.verdicts[run] = { verdict, by: command.by, why: command.why, at: command.at };
  const what = gate.name === PROTECTION_GATE ? `plan ${draft.spec.plan.hash.slice(0, 6)}` : gate.name;
  return { ok: true, message: `${verdict === 'pass' ? 'approved' : 'rejected'} ${what}` };
}

function skip(draft: Draft, command: CommandInput): Outcome {
  const { status } = draft;
  const wanted = command.parameters.gate;
  const names = Object.keys(status.gateRuns);
  const gate = typeof wanted === 'string' ? wanted : names.length === 1 ? names[0] : undefined;
  const run = gate === undefined ? undefined : status.gateRuns[gate];
  if (gate === undefined || run === undefined)
    return { ok: false, message: `name the gate to skip: ${names.join(', ') || 'there is none'}` };
  if (command.why === null || command.why.trim() === '')
    return { ok: false, message: 'skipping a gate needs a reason: --why "…"' };
  // To skip an approval is to give it.
  const asked = gatesNow(draft).find(({ name }) => name === gate)?.approval?.by;
  const notTheirs = asked === undefined ? null : whyNotApprover(asked, command);
  if (notTheirs !== null) return { ok: false, message: notTheirs };
  status.verdicts[run] = { verdict: 'skipped', by: command.by, why: command.why, at: command.at };
  const { pause, failure } = status;
  if (pause?.reason === 'unknown' || (pause?.reason === 'failure' && failure?.reason.startsWith('gate')))
    draft.resume();
  return { ok: true, message: `skipped gate ${gate}` };
}

/**
 * The step that failed goes on behind the moves that are done, under a new sequence so that it is a new order. Failed
 * requests are no failure of an order: accepted, they let the one under way go on.
 */
function retry(draft: Draft): Outcome {
  const { step, failure } = draft.status;
  if (draft.stageStatus !== undefined) {
    draft.stageStatus.endedAt = null;
    draft.stageStatus.message = null;
  }
  draft.resume();
  if (failure?.reason === 'failedRequests' && step === 'instructions')
    return { ok: true, message: 'goes on; the next failed request stops it again' };
  if (step === 'instructions') noteRetry(draft);
  draft.enterStep(step);
  return { ok: true, message: `tries ${step} of stage ${draft.stage?.number ?? '?'} again` };
}
