import type { ReleaseStatus } from '../../api/release.ts';
import type { Claim, TrackStatus } from '../../api/revision.ts';
import type { ReleasePolicy } from '../../api/strategy.ts';
import type { TrackInput } from './input.ts';

/** What becomes of a second release while one is under way (design section 5). */
export function admission(
  policy: ReleasePolicy,
  active: Pick<ReleaseStatus, 'flipped' | 'direction'>,
): 'supersede' | 'queue' | 'reject' {
  const wanted = active.flipped ? policy.supersede.afterFlip : policy.supersede.beforeFlip;
  // One that is turning back ends by itself soon: there is nothing to supersede.
  return wanted === 'supersede' && active.direction === 'back' ? 'queue' : wanted;
}

/**
 * Whether the active release has to make way for the head of the queue. Asked when the release decides and not when
 * the claim was taken: one that has begun to flip meanwhile is let finish, and the next begins after it (design
 * section 5), unless the policy says otherwise.
 */
export function supersededBy(
  track: TrackStatus,
  release: string,
  { flipped }: Pick<ReleaseStatus, 'flipped'>,
): string | null {
  const head = track.queue[0];
  if (track.active?.release !== release || head === undefined || !head.supersedes) return null;
  return flipped && head.supersedesFlipped !== true ? null : head.release;
}

/**
 * What a claim means for the release that is in its way, in words: `supersedes shop-local-r9 of dana, which is
 * paused`. Somebody may wait at that one, so it says whose it is and how far it came.
 */
export function inTheWay(
  supersedes: boolean,
  { release, by }: Pick<Claim, 'release' | 'by'>,
  status: Pick<ReleaseStatus, 'phase'> | undefined,
): string {
  if (!supersedes) return `queued behind ${release}`;
  const whose = by === 'slipway' ? '' : ` of ${by}`;
  const state = status === undefined ? 'has not begun' : `is ${PHASES[status.phase] ?? 'under way'}`;
  return `supersedes ${release}${whose}, which ${state}`;
}

const PHASES: Readonly<Record<string, string>> = { Paused: 'paused', Pending: 'about to begin' };

/** Name of the next release to a revision: `shop-production-r8`, then `…-r8-2`. */
export function releaseName(
  track: TrackStatus,
  revision: string,
): { name: string; attempts: TrackStatus['attempts'] } {
  const attempt = (track.attempts[revision] ?? 0) + 1;
  return {
    name: attempt === 1 ? revision : `${revision}-${attempt}`,
    attempts: { ...track.attempts, [revision]: attempt },
  };
}

/** Attempts that releases of a deleted track of this name took: their names are not given again. */
export function attemptsOf(
  releases: readonly { readonly name: string; readonly to: string }[],
): TrackStatus['attempts'] {
  const attempts: Record<string, number> = {};
  for (const { name, to } of releases) {
    const tail = name === to ? 1 : Number(name.slice(to.length + 1));
    if (name.startsWith(to) && Number.isInteger(tail)) attempts[to] = Math.max(attempts[to] ?? 0, tail);
  }
  return attempts;
}

/** A claim that is held already: the same command or automatic change asks again. */
export const heldClaim = (track: TrackStatus, claim: string): Claim | undefined =>
  [track.active, ...track.queue].find((each): each is Claim => each?.claim === claim);

/** The claim of a release that is not made yet: its number is taken, and only the track can give it up. */
export const unmadeClaim = (
  { track, releases }: Pick<TrackInput, 'track' | 'releases'>,
  name: string | null,
): Claim | undefined =>
  [track.active, ...track.queue].find(
    (each): each is Claim => each !== null && each.release === name && releases[each.release] === undefined,
  );

/** As short as people are shown it; a shorter beginning would bind to nothing. */
const SHORTEST_HASH = 6;

/** Whether a plan is the one that was asked for by the beginning of its hash, and if not, in words. */
export function planDiffers(asked: unknown, planned: string): string | null {
  if (asked === undefined) return null;
  const wanted = typeof asked === 'string' ? asked.replace(/^sha256:/, '') : '';
  if (wanted.length < SHORTEST_HASH)
    return `--plan ${String(asked)} is no hash of a plan; look at it with: slipway plan`;
  return planned.startsWith(wanted)
    ? null
    : `the plan is ${planned.slice(0, SHORTEST_HASH)} and not ${wanted}: something changed since; look at it again with: slipway plan`;
}
