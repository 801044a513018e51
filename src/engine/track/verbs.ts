import type { Claim } from '../../api/revision.ts';
import { whyNotApprover } from '../approvers.ts';
import { type ReleaseVerb, releaseCan } from '../release/capabilities.ts';
import { automatic } from './automatic.ts';
import { inTheWay, planDiffers, supersededBy, unmadeClaim } from './claim.ts';
import { rollbackTarget } from './earlier.ts';
import { reviewChange, shortDigest } from './in-place.ts';
import { leavingWords, type TrackCommand } from './input.ts';
import { destinationOf, planClaim } from './plan-claim.ts';
import { type Answer, refused, refusedDetails, type TrackRound } from './round.ts';
import { scaledSpec } from './scale.ts';
import { asItMayStand } from './turned-back.ts';

/** What one verb for an application, or for a release of it that has ended, does to its track. */
export function applyVerb(round: TrackRound, command: TrackCommand): Answer {
  const { input } = round;
  if (input.deleting) return refused(leavingWords(input));
  const ended = command.release === null ? undefined : input.releases[command.release];
  if (ended !== undefined) {
    const can = releaseCan(ended.spec, ended.status)[command.verb as ReleaseVerb];
    if (can?.allowed === false) return refused(can.why);
  }
  const unmade = unmadeClaim({ track: round.track, releases: input.releases }, command.release);
  if (unmade !== undefined) return ofUnmade(round, unmade, command);
  switch (command.verb) {
    case 'release':
      return release(round, command);
    case 'rollback':
      return rollback(round, command);
    case 'retry':
      return retry(round, command);
    case 'resume':
      return resume(round);
    case 'scale':
      return scale(round, command);
    case 'restart':
      return restart(round, command);
    case 'approve':
    case 'reject':
      return decideChange(round, command);
    default:
      return refused(`no release of ${input.application} is under way: there is nothing to ${command.verb}`);
  }
}

/** A release in the queue has neither stages nor gates: it can be given up, and everything else comes later. */
function ofUnmade(round: TrackRound, claim: Claim, command: TrackCommand): Answer {
  const { release: name } = claim;
  const first = round.track.active?.release;
  const waits = first === undefined || first === name ? 'has not begun' : `is queued behind ${first}`;
  if (command.verb !== 'abort')
    return refused(`release ${name} ${waits}: there is nothing to ${command.verb} yet`);
  round.giveUp(claim, command);
  return {
    state: 'done',
    message: `release ${name} ${waits} and is given up: nothing of it began`,
    result: { release: name },
  };
}

function release(round: TrackRound, command: TrackCommand): Answer {
  const { input } = round;
  const { wanted } = input;
  if (!wanted.ok) return refusedDetails(wanted.error);
  const asked = command.parameters.plan;
  const destination = destinationOf(input, round.track, wanted.value);
  // The same content may be on its way already, by the change that came just before this command.
  const underway = [round.track.active, ...round.track.queue].find(
    (each) => each?.digest === wanted.value.digest,
  );
  const active = underway === null || underway === undefined ? undefined : input.releases[underway.release];
  if (underway && active?.status.direction !== 'back') {
    const planned =
      active === undefined ? planClaim(input, round.track, wanted.value, destination, underway) : undefined;
    if (planned?.ok === false) return refusedDetails(planned.error);
    const differs = planDiffers(asked, active?.spec.plan.hash ?? planned?.value.plan.hash ?? '');
    if (differs !== null) return refused(differs);
    round.takeOver(underway, command);
    // An explicit release lifts the hold; that what is gone back to is on its way says nothing new.
    if (underway.reason !== 'rollback') round.track = { ...round.track, hold: null };
    return { state: 'done', message: onItsWay(round, underway), result: { release: underway.release } };
  }
  const { live } = round.track;
  if (destination.revision === live && round.track.active === null) {
    return {
      state: 'done',
      message: `${live} is live already: nothing that runs would change`,
      result: { live },
    };
  }
  return round.claim(
    wanted.value,
    destination,
    { claim: command.uid, reason: 'release', by: command.by, why: command.why, at: command.at },
    // An explicit release lifts the hold, if it is accepted.
    { plan: asked, hold: null },
  );
}

/** Where the release stands that brings what is asked for already. */
function onItsWay({ track, input }: TrackRound, { release: name }: Claim): string {
  const { active } = track;
  if (active === null || active.release === name) return `release ${name} is under way`;
  const status = input.releases[active.release]?.status;
  const makesWay = supersededBy(track, active.release, status ?? { flipped: false }) === name;
  return `release ${name} ${makesWay ? '' : 'is '}${inTheWay(makesWay, active, status)}`;
}

function rollback(round: TrackRound, command: TrackCommand): Answer {
  const { input, track } = round;
  const { wanted, revisions, releases } = input;
  if (!wanted.ok) return refusedDetails(wanted.error);
  if (track.active !== null) {
    const { release: active } = track.active;
    return refused(`release ${active} is under way; turn it back with: slipway rollback ${active}`);
  }
  const { to, plan } = command.parameters;
  const ended = command.release === null ? undefined : releases[command.release]?.spec;
  const there = Object.keys(revisions);
  const target =
    typeof to === 'string'
      ? there.find((name) => name === to || name.endsWith(`-${to}`))
      : ended === undefined
        ? rollbackTarget(track, there)
        : ended.from;
  if (target === undefined)
    return refused(`there is no revision ${String(to)}; there are ${there.join(', ')}`);
  if (target === null)
    return refused(
      `nothing that was live before ${track.live} is there to go back to; name a revision with --to, see: slipway history ${input.application}`,
    );
  const spec = revisions[target];
  if (spec === undefined)
    return refused(
      `revision ${target} was collected and cannot come back; see: slipway history ${input.application}`,
    );
  if (target === track.live) return refused(`${target} is live already`);
  return round.claim(
    wanted.value,
    { revision: target, spec },
    { claim: command.uid, reason: 'rollback', by: command.by, why: command.why, at: command.at },
    { plan, hold: { since: command.at, by: command.by, why: command.why } },
  );
}

function retry(round: TrackRound, command: TrackCommand): Answer {
  const { wanted, revisions, releases } = round.input;
  const ended = command.release === null ? undefined : releases[command.release]?.spec;
  if (ended === undefined) return refused('there is no release to retry');
  if (!wanted.ok) return refusedDetails(wanted.error);
  const spec = revisions[ended.to];
  if (spec === undefined) return refused(`revision ${ended.to} was collected; release the application again`);
  if (ended.to === round.track.live) return refused(`${ended.to} is live already`);
  return round.claim(
    wanted.value,
    { revision: ended.to, spec },
    { claim: command.uid, reason: 'retry', by: command.by, why: command.why, at: command.at },
    {},
  );
}

function resume(round: TrackRound): Answer {
  const { hold } = round.track;
  if (hold === null) return refused('there is no hold');
  round.track = { ...round.track, hold: null };
  const follows =
    automatic(round.input, round.track) === 'begins' ? ', and what was applied is released now' : '';
  return { state: 'done', message: `the hold of ${hold.by} is lifted${follows}` };
}

function scale(round: TrackRound, command: TrackCommand): Answer {
  const scaled = scaledSpec({ ...round.input, written: round.written }, command.parameters);
  if (!scaled.ok) return refused(scaled.error);
  const { spec, workload, replicas } = scaled.value;
  round.write(spec, command.by);
  const asks = round.input.environmentSpec.protection.approval !== undefined && round.track.live !== null;
  const then = asks ? `; the change waits for an approval, see: slipway why ${round.input.application}` : '';
  return { state: 'done', message: `${workload} is wanted with ${replicas} instances${then}` };
}

function restart(round: TrackRound, command: TrackCommand): Answer {
  const { live, active, work } = round.track;
  if (live === null) return refused('nothing is live');
  if (active !== null) return refused(`release ${active.release} is under way`);
  if (work !== null) return refused(`${work.purpose} is under way; try again when it is done`);
  round.track = {
    ...round.track,
    work: { execution: '', purpose: 'restart', revision: live, applied: null, claim: command.uid },
  };
  return { state: 'done', message: `every instance of ${live} is being replaced, new before old` };
}

/** An approval of a change in place names the change: what was shown to the person is what they approve. */
function decideChange(round: TrackRound, command: TrackCommand): Answer {
  const { input } = round;
  round.track = reviewChange(asItMayStand(input, round.track), round.track);
  const { change } = round.track;
  if (change === undefined || round.track.active !== null)
    return refused(`nothing of ${input.application} waits for an approval in ${input.environment}`);
  const hash = shortDigest(change);
  const asked = command.parameters.change;
  if (typeof asked !== 'string' || asked.length < hash.length)
    return refused(`say which change is meant: ${hash} (${change.summary})`);
  if (!change.digest.startsWith(asked))
    return refused(`the change is ${hash} (${change.summary}) and not ${asked}: look at it again`);
  if (change.state === 'approved') return refused(`change ${hash} was approved by ${change.by}`);
  const notTheirs = whyNotApprover(change.who, command);
  if (notTheirs !== null) return refused(notTheirs);
  const state = command.verb === 'approve' ? 'approved' : 'rejected';
  round.track = { ...round.track, change: { ...change, state, by: command.by, why: command.why } };
  return { state: 'done', message: `${state} change ${hash}: ${change.summary}`, result: { change: hash } };
}
