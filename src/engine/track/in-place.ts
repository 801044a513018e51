import { durationMs } from '../../api/duration.ts';
import type { InPlaceChange, TrackStatus } from '../../api/revision.ts';
import { canonicalJson, digestOf } from '../../lib/digest.ts';
import { pinRoutes } from '../application/plan-workloads.ts';
import { replicasOf } from '../application/revision.ts';
import type { TrackInput, WantedApplication } from './input.ts';

/**
 * Changes of replicas and routes make no revision and no release, so in a protected environment each asks for an
 * approval of its own (design section 2). It binds to what stands and what is wanted: another change, or another
 * starting point, asks again (INV-26).
 */
export function reviewChange(input: TrackInput, track: TrackStatus): TrackStatus {
  const { change, ...rest } = track;
  const protection = input.environmentSpec.protection.approval;
  if (protection === undefined || input.deleting || track.live === null) return rest;
  // A release brings its own routes and replicas under its own approval: what is left over is asked for after it.
  // Its time passes meanwhile: one that stayed waiting beyond it would have the track looked at without a pause.
  if (!input.wanted.ok || track.active !== null)
    return change === undefined ? track : { ...track, change: expired(change, input.now) };
  const wanted = input.wanted.value;
  const from = standsAs(track);
  if (from === null || from === wanted.inPlace) return rest;
  const digest = changeDigest(from, wanted);
  // Who may approve is for the environment to say, also while a change waits.
  if (change?.digest === digest)
    return { ...track, change: expired({ ...change, who: protection.by }, input.now) };
  return {
    ...track,
    change: {
      digest,
      summary: summaryOf(wanted, track),
      state: 'waiting',
      since: new Date(input.now).toISOString(),
      expiresAt: new Date(input.now + durationMs(protection.expires)).toISOString(),
      who: protection.by,
      by: null,
      why: null,
    },
  };
}

/** What applying the wish would change in place, as a plan shows it; null where nothing. */
export interface ChangePreview {
  readonly digest: string;
  readonly summary: string;
  /** Whose approval it would wait for; null: nobody's. */
  readonly approval: string | null;
}

export function previewChange(input: TrackInput, track: TrackStatus): ChangePreview | null {
  if (!input.wanted.ok || track.live === null) return null;
  const wanted = input.wanted.value;
  const from = standsAs(track);
  if (from === null || from === wanted.inPlace) return null;
  return {
    digest: changeDigest(from, wanted),
    summary: summaryOf(wanted, track),
    approval: input.environmentSpec.protection.approval?.by ?? null,
  };
}

/**
 * Whether these replicas and routes may be brought about now. Asked of the approval itself: the file may have been
 * changed since the last review, while a release was under way.
 */
export function mayApply(
  input: TrackInput,
  track: TrackStatus,
  wanted: Pick<WantedApplication, 'inPlace'>,
): boolean {
  if (input.environmentSpec.protection.approval === undefined) return true;
  const from = standsAs(track);
  // What stood is known of no track that an older program made and whose way back failed: a rescue goes first.
  if (from === null) return true;
  return track.change?.state === 'approved' && track.change.digest === changeDigest(from, wanted);
}

/** When a change that waits is refused by the clock, in ms since 1970; null where none waits. */
export const expiryOf = ({ change }: TrackStatus): number | null =>
  change?.state === 'waiting' ? Date.parse(change.expiresAt) : null;

/**
 * The application with the routes and replicas that may stand: a way back asks nobody, so it must not bring about
 * what still waits for its approval.
 */
export function approvedInPlace(
  input: TrackInput,
  track: TrackStatus,
  wanted: WantedApplication,
): Pick<WantedApplication, 'resolved' | 'inPlace'> {
  const { standing, replicas } = track;
  if (standing === undefined || standing.inPlace === wanted.inPlace || mayApply(input, track, wanted))
    return wanted;
  const { resolved } = wanted;
  const workloads = Object.fromEntries(
    Object.entries(resolved.workloads).map(([name, workload]) => [
      name,
      { ...workload, replicas: replicas?.[name] ?? workload.replicas },
    ]),
  );
  return { resolved: { ...resolved, workloads, routes: standing.routes }, inPlace: standing.inPlace };
}

/** As people are shown it, and as they may name it. */
export const shortDigest = (change: InPlaceChange): string => change.digest.slice(0, 6);

/** What an approval binds to. */
const changeDigest = (from: string, { inPlace }: Pick<WantedApplication, 'inPlace'>): string =>
  digestOf({ from, to: inPlace });

const standsAs = ({ standing, applied }: TrackStatus): string | null => standing?.inPlace ?? applied;

const expired = (change: InPlaceChange, now: number): InPlaceChange =>
  change.state === 'waiting' && now >= Date.parse(change.expiresAt)
    ? { ...change, state: 'rejected', by: 'clock', why: 'nobody approved it in time' }
    : change;

function summaryOf({ resolved }: WantedApplication, track: TrackStatus): string {
  const before = track.replicas ?? {};
  const sizes = Object.entries(replicasOf(resolved))
    .filter(([name, replicas]) => before[name] !== undefined && before[name] !== replicas)
    .map(([name, replicas]) => `${name} ${before[name]} → ${replicas} instances`);
  const same =
    track.standing !== undefined &&
    canonicalJson(pinRoutes(track.standing.routes, resolved.workloads)) ===
      canonicalJson(pinRoutes(resolved.routes, resolved.workloads));
  const parts = same ? sizes : [...sizes, 'routes'];
  return parts.join(', ') || 'replicas';
}
