import type { RevisionSpec, TrackStatus } from '../../api/revision.ts';
import type { Standing, StandingWorkload } from '../../api/standing.ts';
import { routedWorkload } from '../application/plan-workloads.ts';
import { versionName } from '../application/revision.ts';
import type { TrackInput } from './input.ts';

type Work = NonNullable<TrackStatus['work']>;

/** Whoever writes over what is live finds it brought back, and at most this often: two hands must not race, ms. */
const REPAIR_AGAIN_MS = 10_000;

/** When a drift may be mended again, ms since 1970; null where none was mended lately. */
export function repairAgainAt({ repaired }: TrackStatus, now: number): number | null {
  const at = Date.parse(repaired?.at ?? '') + REPAIR_AGAIN_MS;
  // A clock that went back does not make it wait for hours.
  return Number.isNaN(at) || now >= at || at - now > REPAIR_AGAIN_MS ? null : at;
}

/**
 * Work that brings back what is live where something else stands: an agent that lost its wishes, a restored store,
 * somebody's hand on the cluster. Null where what stands is right, or is not known.
 */
export function repairOf(input: TrackInput, track: TrackStatus): Work | null {
  const drift = driftOf(input, track);
  if (drift === null || track.live === null || track.standing === undefined) return null;
  if (repairAgainAt(track, input.now) !== null) return null;
  return {
    execution: '',
    purpose: 'inPlace',
    revision: track.live,
    applied: track.standing.inPlace,
    claim: null,
    replicas: track.replicas,
    routes: track.standing.routes,
    repairs: drift,
  };
}

/** What stands and should not, in words; null where nothing does. */
export function driftOf(input: TrackInput, track: TrackStatus): string | null {
  const { standings } = input;
  const revision = liveOf(input, track);
  if (standings === null || revision === null || track.standing === undefined) return null;
  const known = Object.fromEntries(revision.workloads.map((w) => [w.name, w]));
  const routed = new Set(track.standing.routes.map((route) => routedWorkload(route, known)));
  for (const standing of standings)
    for (const { name, type } of revision.workloads) {
      if (type === 'migration') continue;
      const version = versionName(name, revision.number);
      const wanted = track.replicas?.[name];
      const there = workloadOf(standing, version)?.wanted ?? 0;
      if (wanted !== undefined && there !== wanted)
        return `${version} stood at ${there} of ${wanted} instances`;
      const weights = standing.services.find(({ workload }) => workload === name)?.weights ?? {};
      if (type === 'service' && routed.has(name) && weights[version] !== 100)
        return `the traffic of ${name} went ${wordsOf(weights)} and not to ${version}`;
    }
  return null;
}

/** Warm revisions that do not stand at their size any more are not warm: going back to them is no flip. */
export function forgetCooled(input: TrackInput, track: TrackStatus): TrackStatus {
  const { standings, revisions, now } = input;
  if (standings === null) return track;
  const cooled = ({ revision: name, replicas, expiresAt }: TrackStatus['warm'][number]): boolean => {
    const revision = revisions[name];
    if (revision === undefined || replicas === undefined || Date.parse(expiresAt) <= now) return false;
    return Object.entries(replicas).some(([workload, size]) =>
      standings.some(
        (standing) => (workloadOf(standing, versionName(workload, revision.number))?.wanted ?? 0) < size,
      ),
    );
  };
  if (!track.warm.some(cooled)) return track;
  const at = new Date(now).toISOString();
  return { ...track, warm: track.warm.map((each) => (cooled(each) ? { ...each, expiresAt: at } : each)) };
}

export interface Trouble {
  /** Nobody is answered, or it will not heal by waiting. */
  readonly down: boolean;
  readonly reason: string;
  readonly message: string;
}

/** What is wrong with the instances of the live revision, as the agent saw them; null where nothing is known to be. */
export function troubleOf(input: TrackInput, track: TrackStatus): Trouble | null {
  const revision = liveOf(input, track);
  if (input.standings === null || revision === null) return null;
  const troubles: Trouble[] = [];
  for (const standing of input.standings)
    for (const { name, type } of revision.workloads) {
      const seen = workloadOf(standing, versionName(name, revision.number));
      if (type === 'migration' || seen === undefined || seen.wanted === 0) continue;
      const trouble = troubleIn(seen);
      if (trouble !== null) troubles.push(trouble);
    }
  return troubles.find(({ down }) => down) ?? troubles[0] ?? null;
}

function troubleIn({ version, wanted, ready, problem }: StandingWorkload): Trouble | null {
  const count = `${ready} of ${wanted} instances of ${version} are ready`;
  // One instance that crashes again and again is ready for a moment each time: that is no service.
  const hopeless = problem?.final === true && wanted === 1;
  if (ready === 0 || hopeless)
    return {
      down: true,
      reason: problem === null ? 'NotReady' : pascal(problem.reason),
      message: problem === null ? count : `${count}: ${problem.message}`,
    };
  if (problem === null || ready >= wanted) return null;
  return { down: false, reason: 'Degraded', message: `${count}: ${problem.message}` };
}

/** Numbers of revisions that stand somewhere: a new one is never named like one of them (INV-6). */
export const highestStanding = ({ standings }: Pick<TrackInput, 'standings'>): number =>
  Math.max(
    0,
    ...(standings ?? []).flatMap(({ workloads }) =>
      workloads.map(({ version }) => Number(/-r(\d+)$/.exec(version)?.[1] ?? 0)),
    ),
  );

const liveOf = ({ revisions }: TrackInput, { live }: TrackStatus): RevisionSpec | null =>
  live === null ? null : (revisions[live] ?? null);

const workloadOf = ({ workloads }: Standing, version: string): StandingWorkload | undefined =>
  workloads.find((each) => each.version === version);

const pascal = (reason: string): string => `${reason.slice(0, 1).toUpperCase()}${reason.slice(1)}`;

const wordsOf = (weights: Readonly<Record<string, number>>): string =>
  Object.entries(weights)
    .map(([version, weight]) => `${weight} % to ${version}`)
    .join(' and ') || 'nowhere';
