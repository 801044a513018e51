import type { TrackStatus } from '../../api/revision.ts';
import { decidable, ROOM_MS, remember } from '../command-memory.ts';
import { expiryOf, reviewChange } from './in-place.ts';
import type { TrackDecision, TrackInput, TrackReply } from './input.ts';
import { TrackRound } from './round.ts';
import { settle } from './settle.ts';
import { asItMayStand, forgetChangedTerms } from './turned-back.ts';
import { applyVerb } from './verbs.ts';
import { decideWork, settleWork } from './work.ts';

/**
 * One application in one environment: what is released next, what is applied in place, what is retired. Pure.
 * The claim of a release — its number and the right to be the active one — is part of the track's own status,
 * so that one compare-and-set takes it before anything else is made (INV-21).
 */
export function decideTrack(input: TrackInput): TrackDecision {
  const settled = settleWork(input, settleActive(input));
  const round = new TrackRound(input, forgetChangedTerms(input, settled));
  const replies = applyCommands(round);
  const laterAt = replies.length < input.commands.length ? input.now + ROOM_MS : null;
  round.releaseChanges();
  round.activate();
  round.ensureClaimed();
  round.forgetAttempts();
  const inPlace = asItMayStand(input, round.track);
  round.track = reviewChange(inPlace, round.track);
  const worked = decideWork(inPlace, round.track);
  return {
    track: worked.track,
    effects: [...round.effects, ...worked.effects],
    replies,
    wakeAt: earliest(earliest(worked.wakeAt, expiryOf(worked.track)), laterAt),
  };
}

const earliest = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

function settleActive({ track, releases, wanted, now }: TrackInput): TrackStatus {
  const release = track.active === null ? undefined : releases[track.active.release];
  if (release === undefined) return track;
  const settled = settle(track, release, now);
  const { phase, waiting } = release.status;
  if (settled === track || track.active === null) return settled;
  const { release: name, digest } = track.active;
  if (phase === 'Succeeded') {
    // What was turned back once and serves now is no failure any more, also when it is gone back from later.
    const { unsuccessful, ...rest } = settled;
    return unsuccessful?.digest === digest ? rest : settled;
  }
  // A way further back that failed: what the file has was turned back before, and stays so.
  const known =
    wanted.ok && wanted.value.digest !== digest && track.unsuccessful?.digest === wanted.value.digest;
  if (known) return settled;
  const { routes, replicas } = release.spec;
  const terms = { routes, replicas };
  return { ...settled, unsuccessful: { release: name, phase, digest, message: waiting.message, terms } };
}

/** Each command gets one outcome; one that has it already gets the same again. */
function applyCommands(round: TrackRound): TrackReply[] {
  const asking = round.input.commands;
  return decidable(asking, round.track.commands).now.map((command) => {
    const known = round.track.commands.find((each) => each.uid === command.uid);
    const { state, message, result = {} } = known ?? applyVerb(round, command);
    const reply: TrackReply = { uid: command.uid, state, message, result };
    if (known === undefined) {
      const commands = remember(round.track.commands, { ...reply, result: { ...result } }, asking);
      round.track = { ...round.track, commands };
    }
    return reply;
  });
}
