import type { ReleaseStatus } from '../../api/release.ts';
import type { Claim, TrackStatus } from '../../api/revision.ts';
import type { ReleasePolicy } from '../../api/strategy.ts';

/** What becomes of a second release while one is under way (design section 5). */
export function admission(
  policy: ReleasePolicy,
  active: Pick<ReleaseStatus, 'flipped' | 'direction'>,
): 'supersede' | 'queue' | 'reject' {
  const wanted = active.flipped ? policy.supersede.afterFlip : policy.supersede.beforeFlip;
  // One that is turning back ends by itself soon: there is nothing to supersede.
  return wanted === 'supersede' && active.direction === 'back' ? 'queue' : wanted;
}

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

/** A claim that is held already: the same command or automatic change asks again. */
export const heldClaim = (track: TrackStatus, claim: string): Claim | undefined =>
  [track.active, ...track.queue].find((each): each is Claim => each?.claim === claim);
