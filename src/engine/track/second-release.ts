import type { Claim } from '../../api/revision.ts';
import { admission, inTheWay } from './claim.ts';
import type { TrackInput, WantedApplication } from './input.ts';

/**
 * What a release that is asked for while another is under way would meet, before anybody asks for it: the same
 * policy as when the claim is taken, so that `plan` promises nothing that would be refused.
 */
type Seen = Pick<TrackInput, 'releases' | 'wanted' | 'track'>;

const NOT_BEGUN = { flipped: false, direction: 'forward' } as const;

/** What becomes of the release under way: somebody may wait at it. */
export function secondRelease(input: Seen, active: Claim): string {
  const { wanted, releases } = input;
  if (!wanted.ok || isUnderWay(input, wanted.value)) return `release ${active.release} is under way`;
  const status = releases[active.release]?.status;
  const supersedes = admission(wanted.value.resolved.policy, status ?? NOT_BEGUN) === 'supersede';
  return `this release ${supersedes ? '' : 'is '}${inTheWay(supersedes, active, status)}`;
}

/** Asking for it would be refused, so nothing may be changed for it; null where it would not. */
export function whyNotNow(input: Seen, wanted: WantedApplication): string | null {
  const { active } = input.track;
  if (active === null || isUnderWay(input, wanted)) return null;
  const status = input.releases[active.release]?.status ?? NOT_BEGUN;
  return admission(wanted.resolved.policy, status) === 'reject'
    ? `release ${active.release} is under way and the policy rejects a second one; see: slipway why ${active.release}`
    : null;
}

const isUnderWay = ({ track }: Seen, { digest }: WantedApplication): boolean =>
  [track.active, ...track.queue].some((each) => each?.digest === digest);
