import type { Condition } from '../../api/meta.ts';
import type { TrackStatus } from '../../api/revision.ts';
import { approversInWords } from '../approvers.ts';
import { shortDigest } from './in-place.ts';
import type { TrackInput, WantedApplication } from './input.ts';
import { type Trouble, troubleOf } from './standing.ts';

type Said = Pick<Condition, 'status' | 'reason' | 'message'>;

/**
 * What an Application says of one environment: the answer to "is what I applied what serves?". True only when it
 * is; otherwise what serves instead, and why. A trouble that was measured stands until somebody measures again:
 * a manager without the agent knows nothing better, and would write against the one that has it without end.
 */
export function applicationCondition(
  input: TrackInput,
  track: TrackStatus,
  before: readonly Condition[],
  type: string,
): Condition {
  const said = say(input, track);
  const known = before.find((each) => each.type === type);
  if (
    input.standings === null &&
    saysItServes(said) &&
    known !== undefined &&
    isTroubleOf(known, track, input)
  )
    return known;
  const at = new Date(input.now).toISOString();
  return {
    type,
    ...said,
    observedGeneration: input.generation,
    lastTransitionTime: known !== undefined && known.status === said.status ? known.lastTransitionTime : at,
  };
}

function say(input: TrackInput, track: TrackStatus): Said {
  const { wanted, application, environment } = input;
  const { live, active } = track;
  const serves = live === null ? 'nothing is live' : `${live} serves`;
  const no = (reason: string, message: string): Said => ({ status: 'False', reason, message });
  if (input.absent === true) return no('Leaving', `it leaves ${environment}; ${serves}`);
  if (input.deleting) return no('Deleting', `it is being deleted; ${serves}`);
  if (!wanted.ok) {
    const causes = wanted.error.map(({ path, message }) => `${path}: ${message}`).join('; ');
    return no('Invalid', `${causes}; ${serves}`);
  }
  if (active !== null) return no('Releasing', `release ${active.release} is under way; ${serves}`);
  const { digest } = wanted.value;
  const there = live === null ? undefined : input.revisions[live];
  if (there?.digest === digest) return sayInPlace(input, track, wanted.value);
  if (track.refusal?.digest === digest) return no('Refused', `${track.refusal.message}; ${serves}`);
  const release = `slipway release ${application} -e ${environment}`;
  const instead = live === null ? serves : `${serves}, and not what was applied`;
  if (track.unsuccessful?.digest === digest) {
    const { release: name, phase, message } = track.unsuccessful;
    return no(phase, `${instead}: release ${name} ended as ${message}; try again with: ${release}`);
  }
  if (track.hold !== null)
    return no(
      'Held',
      `${instead}: ${track.hold.by} holds automatic releases; ${input.auto ? 'what was applied is released by' : 'lift with'}: slipway resume ${application} -e ${environment}`,
    );
  return no('NotReleased', `${instead}; run: ${release}`);
}

/** It says that what was asked for is there, which only an agent can have seen. */
const saysItServes = ({ status }: Said): boolean => status === 'True';

const degraded = (live: string | null): string => `${live} serves; `;
const down = (live: string | null): string => `${live} is live and does not serve; `;

/** What `sayTrouble` said of what is live now. */
const isTroubleOf = (
  { reason, message, observedGeneration }: Condition,
  { live }: TrackStatus,
  { generation }: TrackInput,
): boolean =>
  observedGeneration === generation &&
  (message.startsWith(down(live)) || (reason === 'Degraded' && message.startsWith(degraded(live))));

/** What runs is what was applied; replicas and routes may still be on their way. */
function sayInPlace(input: TrackInput, track: TrackStatus, wanted: WantedApplication): Said {
  const serves = `${track.live} serves`;
  const { work } = track;
  if (work?.repairs !== undefined) return sayRepair(input, work.repairs, `${track.live}`);
  if (wanted.inPlace === track.applied) {
    const trouble = troubleOf(input, track);
    if (trouble !== null) return sayTrouble(input, track, trouble);
    return track.hold === null
      ? { status: 'True', reason: 'Serving', message: serves }
      : {
          status: 'True',
          reason: 'Held',
          message: `${serves}; ${track.hold.by} holds automatic releases; lift with: slipway resume ${input.application} -e ${input.environment}`,
        };
  }
  const { change } = track;
  const where = `slipway approve ${input.application} -e ${input.environment}`;
  if (change?.state === 'waiting')
    return {
      status: 'False',
      reason: 'WaitingForApproval',
      message: `${serves}; change ${shortDigest(change)} (${change.summary}) waits for the approval of ${approversInWords(change.who)}, until ${change.expiresAt}: ${where}`,
    };
  if (change?.state === 'rejected')
    return {
      status: 'False',
      reason: 'Rejected',
      message: `${serves}; change ${shortDigest(change)} (${change.summary}) was rejected by ${change.by}${change.why === null ? '' : ` (${change.why})`}; it can still be approved: ${where}`,
    };
  const failure = work?.purpose === 'inPlace' ? (input.work?.failure ?? null) : null;
  const applied =
    failure === null
      ? 'are being applied'
      : `cannot be applied: ${failure.message.replace(/\.$/, '')}; tried again until they can`;
  return { status: 'False', reason: 'Applying', message: `${serves}; replicas or routes ${applied}` };
}

/** It is live by intent, and what was measured says otherwise. */
function sayTrouble(
  { application, environment }: TrackInput,
  { live, previous }: TrackStatus,
  { down: isDown, reason, message }: Trouble,
): Said {
  if (!isDown) return { status: 'True', reason, message: `${degraded(live)}${message}` };
  const target = `${application} -e ${environment}`;
  const back = previous === null ? '' : `, or go back: slipway rollback ${target}`;
  return {
    status: 'False',
    reason,
    message: `${down(live)}${message}; release a mended version${back}`,
  };
}

/** What stood was not what is live. */
function sayRepair({ work }: TrackInput, what: string, live: string): Said {
  const failure = work?.failure ?? null;
  return {
    status: 'False',
    reason: 'Repairing',
    message:
      failure === null
        ? `${live} is live and is being brought back: ${what}`
        : `${live} is live and cannot be brought back: ${what}; ${failure.message.replace(/\.$/, '')}; tried again until it can`,
  };
}
