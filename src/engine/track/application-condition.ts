import type { Condition } from '../../api/meta.ts';
import type { TrackStatus } from '../../api/revision.ts';
import type { TrackInput } from './input.ts';

/** What an Application says of one environment: the answer to "is what I applied what serves?". */
export function applicationCondition(
  input: TrackInput,
  track: TrackStatus,
  before: readonly Condition[],
  type: string,
): Condition {
  const said = say(input, track);
  const known = before.find((each) => each.type === type);
  const at = new Date(input.now).toISOString();
  return {
    type,
    ...said,
    lastTransitionTime: known !== undefined && known.status === said.status ? known.lastTransitionTime : at,
  };
}

function say(
  { wanted, application }: TrackInput,
  track: TrackStatus,
): Pick<Condition, 'status' | 'reason' | 'message'> {
  if (!wanted.ok) {
    return {
      status: 'False',
      reason: 'Invalid',
      message: wanted.error.map(({ path, message }) => `${path}: ${message}`).join('; '),
    };
  }
  if (track.active !== null)
    return { status: 'False', reason: 'Releasing', message: `release ${track.active.release} is under way` };
  if (track.refusal !== null && track.refusal.digest === wanted.value.digest)
    return { status: 'False', reason: 'Refused', message: track.refusal.message };
  if (track.live === null)
    return {
      status: 'False',
      reason: 'NotReleased',
      message: `nothing is live; run: slipway release ${application}`,
    };
  if (track.hold !== null)
    return {
      status: 'True',
      reason: 'Held',
      message: `${track.live} serves; ${track.hold.by} holds automatic releases; lift with: slipway resume ${application}`,
    };
  return { status: 'True', reason: 'Serving', message: `${track.live} serves` };
}
