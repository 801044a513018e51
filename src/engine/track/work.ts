import type { TrackStatus } from '../../api/revision.ts';
import { pinRoutes, routedWorkload } from '../application/plan-workloads.ts';
import { replicasOf } from '../application/revision.ts';
import { mayApply } from './in-place.ts';
import type { TrackEffect, TrackInput } from './input.ts';
import { forgetCooled, repairAgainAt, repairOf } from './standing.ts';
import { workInstructions } from './work-instructions.ts';

interface WorkDecision {
  readonly track: TrackStatus;
  readonly effects: readonly TrackEffect[];
  readonly wakeAt: number | null;
}

type Work = NonNullable<TrackStatus['work']>;

/** After a failed piece of work, what is to be done is thought of anew after this long. */
const RETRY_MS = 10_000;

/**
 * What came of the work under way, before anything else is decided: a release that is claimed in the same round
 * must know whether its destination is still warm. Failed work is not repeated but thought of anew, since
 * releases may have changed meanwhile what it was for.
 */
export function settleWork(input: TrackInput, track: TrackStatus): TrackStatus {
  const { work } = track;
  if (work === null || work.execution === '' || input.work === undefined) return track;
  if (input.work.phase === 'Succeeded') return finished(track, work);
  const failedAt = failureOf(input);
  if (failedAt === null || input.now < failedAt + RETRY_MS) return track;
  // Something gave it traffic that it should not have: that is put right first.
  const applied = input.work.failure?.reason === 'stillNamed' ? null : track.applied;
  const isChange = work.purpose === 'inPlace' && work.repairs === undefined;
  return { ...track, applied, work: null, ...(isChange ? { inPlaceUnknown: true } : {}) };
}

/** An order is made or may be: no other order for this application may be given (INV-21). */
export const isWorking = (input: TrackInput, track: TrackStatus): boolean =>
  track.work !== null && track.work.execution !== '' && failureOf(input) === null;

/**
 * Work outside releases, one piece at a time and only while no release is active: deletion, what applies in
 * place, retiring warm revisions whose time is over, restarts, bringing back what is live where something else
 * stands. Each piece is one Execution per cluster under the
 * track's own epoch.
 */
export function decideWork(input: TrackInput, start: TrackStatus): WorkDecision {
  let track = start;
  if (track.work !== null && track.work.execution !== '') {
    const failedAt = failureOf(input);
    if (failedAt !== null) return { track, effects: [], wakeAt: failedAt + RETRY_MS };
    if (input.work !== undefined) return { track, effects: [], wakeAt: null };
    // Saved and not made. What applies in place is known from the application alone.
    if (track.work.purpose !== 'inPlace' || input.wanted.ok)
      return { track, effects: effectOf(input, track, track.work), wakeAt: null };
    track = { ...track, work: null };
  }
  if (track.active !== null) return { track, effects: [], wakeAt: null };
  // A restart that was asked for and has not begun: a release replaced every instance meanwhile.
  if (track.work !== null && track.work.revision !== track.live) track = { ...track, work: null };
  if (track.work === null) {
    track = forgetCooled(input, track);
    const next = nextWork(input, track);
    if (next === 'gone') return { track, effects: [{ type: 'removeTrack' }], wakeAt: null };
    if (next === null) {
      const times = track.warm.map((w) => Date.parse(w.expiresAt)).filter((at) => at > input.now);
      const again = repairAgainAt(track, input.now);
      const wakeAt = Math.min(...times, again ?? Number.POSITIVE_INFINITY);
      return { track, effects: [], wakeAt: Number.isFinite(wakeAt) ? wakeAt : null };
    }
    track = { ...track, work: next };
    if (next.repairs !== undefined)
      track = { ...track, repaired: { at: new Date(input.now).toISOString(), what: next.repairs } };
  }
  if (track.work === null) return { track, effects: [], wakeAt: null };
  const epoch = track.epoch + 1;
  const work: Work = { ...track.work, execution: `${input.application}-${input.environment}-w${epoch}` };
  track = { ...track, epoch, work };
  return { track, effects: effectOf(input, track, work), wakeAt: null };
}

/** When the work under way failed, in ms since 1970; null while it has not. */
function failureOf({ work, now }: TrackInput): number | null {
  if (work === undefined || !['Failed', 'Refused', 'Cancelled'].includes(work.phase)) return null;
  const at = Date.parse(work.endedAt ?? '') || now;
  // Told by an agent whose clock is ahead: it is over all the same, and nobody waits until that time.
  return at > now ? now - RETRY_MS : at;
}

function nextWork(input: TrackInput, track: TrackStatus): Work | 'gone' | null {
  const work = (purpose: Work['purpose'], revision: string, more: Partial<Work> = {}): Work => ({
    execution: '',
    purpose,
    revision,
    applied: null,
    claim: null,
    ...more,
  });
  if (input.deleting) {
    const left = track.warm[0]?.revision ?? track.live;
    return left === null || left === undefined ? 'gone' : work('delete', left);
  }
  const next = track.live === null ? null : wantedInPlace(input, track);
  const inPlace = track.live === null || next === null ? null : work('inPlace', track.live, next);
  // After a way back that failed, the live revision comes before everything else.
  if (inPlace !== null && track.applied === null) return inPlace;
  // Somebody's hand may have given a warm one the traffic: what is live has it back first.
  const repair = inPlace === null ? repairOf(input, track) : null;
  if (repair !== null) return repair;
  const expired = track.warm.find((w) => Date.parse(w.expiresAt) <= input.now);
  return expired === undefined ? inPlace : work('retire', expired.revision);
}

/** Replicas and routes to bring about: the application's, or where they may not apply yet, what stood before. */
function wantedInPlace(
  input: TrackInput,
  track: TrackStatus,
): Pick<Work, 'applied' | 'replicas' | 'routes'> | null {
  const { wanted } = input;
  const isUnknown = track.applied === null || track.inPlaceUnknown === true;
  if (!wanted.ok) return null;
  const { inPlace, resolved } = wanted.value;
  const stood = inPlace === track.applied;
  if (stood && !isUnknown) return null;
  if (stood || mayApply(input, track, wanted.value))
    return {
      applied: inPlace,
      replicas: replicasOf(resolved),
      routes: pinRoutes(resolved.routes, resolved.workloads),
    };
  if (!isUnknown || track.standing === undefined) return null;
  return {
    applied: track.standing.inPlace,
    replicas: track.replicas,
    routes: track.standing.routes,
  };
}

function finished(before: TrackStatus, work: Work): TrackStatus {
  const { inPlaceUnknown, ...known } = before;
  const track = work.purpose === 'inPlace' || inPlaceUnknown === undefined ? known : before;
  const warm = track.warm.filter((w) => w.revision !== work.revision);
  switch (work.purpose) {
    case 'retire':
      return { ...track, work: null, warm };
    case 'inPlace':
      return {
        ...track,
        work: null,
        applied: work.applied,
        replicas: { ...track.replicas, ...work.replicas },
        ...(work.applied === null || work.routes === undefined
          ? {}
          : { standing: { inPlace: work.applied, routes: work.routes } }),
      };
    case 'delete':
      // It may be wanted again before it has gone: what was taken away is then no attempt that failed.
      return {
        ...track,
        work: null,
        warm,
        live: track.live === work.revision ? null : track.live,
        attempted: null,
      };
    case 'restart':
      return { ...track, work: null };
  }
}

function effectOf(input: TrackInput, track: TrackStatus, work: Work): TrackEffect[] {
  const revision = input.revisions[work.revision];
  if (revision === undefined) return [];
  const resolved = input.wanted.ok ? input.wanted.value.resolved : undefined;
  const applies = (name: string) => work.purpose !== 'inPlace' || work.replicas?.[name] !== undefined;
  // What the file dropped stays as it is until a release takes it away: in place nothing goes.
  const concerned = revision.workloads.filter((w) => applies(w.name));
  const routes = work.routes ?? resolved?.routes ?? [];
  const own = Object.fromEntries(revision.workloads.map((w) => [w.name, w]));
  // What stood before is brought back as the revision understood it, the application's as the application does.
  const standing = work.applied !== null && work.applied === track.standing?.inPlace;
  const known = standing || resolved === undefined ? own : resolved.workloads;
  const routed = new Set(routes.map((route) => routedWorkload(route, known)));
  return [
    {
      type: 'createExecution',
      name: work.execution,
      purpose: work.purpose,
      revision: work.revision,
      epoch: track.epoch,
      sequence: 1,
      instructions: concerned.flatMap((w) =>
        workInstructions(work.purpose, w, routed.has(w.name), track.applied === null),
      ),
      replicas: Object.fromEntries(
        concerned
          .filter(({ type }) => type !== 'migration')
          .map((w) => [w.name, work.replicas?.[w.name] ?? track.replicas?.[w.name] ?? 0]),
      ),
      routes,
    },
  ];
}
