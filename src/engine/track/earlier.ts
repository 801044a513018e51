import type { ReleaseSpec } from '../../api/release.ts';
import type { TrackStatus } from '../../api/revision.ts';

/** How many are remembered: further back than retention keeps most revisions. */
const MOST = 20;

type Lived = Pick<TrackStatus, 'live' | 'previous' | 'earlier'>;

/** Tracks of older programs remember the one before alone. */
const earlierOf = ({ previous, earlier }: Lived): readonly string[] =>
  earlier ?? (previous === null ? [] : [previous]);

/**
 * What was live before, oldest first, once a release has succeeded. A release puts what it replaces on top; a
 * rollback takes off all that it goes back over, so that the next one goes further back and never to what was just
 * left.
 */
export function earlierAfter(
  track: Lived,
  { from, to, reason }: Pick<ReleaseSpec, 'from' | 'to' | 'reason'>,
): string[] {
  const before = earlierOf(track);
  // The retry of a rollback goes back as well.
  const isBack = reason === 'rollback' || (reason === 'retry' && before.includes(to));
  if (!isBack) {
    return from === null || from === to ? [...before] : [...before, from].slice(-MOST);
  }
  const at = before.lastIndexOf(to);
  return at < 0 ? [] : before.slice(0, at);
}

/** Where a rollback goes by default: the latest that was live before and is there still; null where there is none. */
export const rollbackTarget = (track: Lived, revisions: readonly string[]): string | null =>
  earlierOf(track).findLast((name) => name !== track.live && revisions.includes(name)) ?? null;
