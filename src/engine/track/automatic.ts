import type { TrackStatus } from '../../api/revision.ts';
import type { TrackInput } from './input.ts';

/**
 * What a change of the application does in one environment without anybody's word: `begins` a release, is `known`
 * (it serves or is on its way), was `attempted` before, or nothing because releases are `off` there. One answer for
 * the track and for `plan`, which says it of the environments that nobody named.
 */
export type Automatic = 'begins' | 'known' | 'attempted' | 'off';

export function automatic(
  input: Pick<TrackInput, 'auto' | 'deleting' | 'wanted' | 'revisions'>,
  track: TrackStatus,
): Automatic {
  const { wanted, auto, deleting, revisions } = input;
  if (!auto || deleting || track.hold !== null || !wanted.ok) return 'off';
  const { digest } = wanted.value;
  if (digest === track.attempted) return 'attempted';
  const live = track.live === null ? undefined : revisions[track.live];
  const underway = [track.active, ...track.queue].some((each) => each?.digest === digest);
  return underway || (live?.digest === digest && track.active === null) ? 'known' : 'begins';
}
