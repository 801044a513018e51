import type { ReleaseSpec, ReleaseStatus } from '../../api/release.ts';
import { hasEnded } from './state.ts';

export type ReleaseVerb =
  | 'promote'
  | 'pause'
  | 'resume'
  | 'approve'
  | 'reject'
  | 'abort'
  | 'rollback'
  | 'retry'
  | 'skip';
export interface Capability {
  readonly allowed: boolean;
  /** Why not, or what it will do. */
  readonly why: string;
}

const yes = (why: string): Capability => ({ allowed: true, why });
const no = (why: string): Capability => ({ allowed: false, why });

/**
 * The one table that says which verb is allowed when and why not: the server's guard, the command line's
 * words and the console's buttons come from it.
 */
export function releaseCan(
  spec: Pick<ReleaseSpec, 'from' | 'to'>,
  status: ReleaseStatus,
): Readonly<Record<ReleaseVerb, Capability>> {
  const { phase, pause } = status;
  const ended = hasEnded(phase);
  const back = status.direction === 'back';
  const over = no(`it has ended: ${phase}`);
  const turning = no(`it is turning back already (${phase})`);
  const failed = pause?.reason === 'failure' || pause?.reason === 'unknown';
  const forApproval = status.waiting.for === 'approval';
  // Also while its agent is away or a person paused: what is asked can be answered by a person's word.
  const forGate =
    (status.step === 'gatesBefore' || status.step === 'gatesAfter') &&
    Object.keys(status.gateRuns).length > 0;
  const notPaused = failed
    ? `it stopped at a failure: use retry${forGate ? ', skip' : ''} or abort`
    : phase === 'Paused'
      ? 'it waits for a gate: use approve, reject or skip'
      : `it is not paused (${phase})`;
  return {
    promote: ended
      ? over
      : back
        ? turning
        : pause !== null && !failed
          ? yes('goes on with the next stage')
          : no(notPaused),
    pause: ended
      ? over
      : back
        ? turning
        : pause !== null
          ? no('it is paused already')
          : yes('pauses at the end of what is under way; resume goes on'),
    resume: ended
      ? over
      : back
        ? turning
        : pause !== null && !failed
          ? yes('goes on')
          : status.pauseRequested !== null
            ? yes('the pause that was asked for is taken back')
            : no(notPaused),
    approve: ended
      ? over
      : back
        ? turning
        : forApproval
          ? yes('answers the approval that it waits for')
          : no('it waits for no approval'),
    reject: ended
      ? over
      : back
        ? turning
        : forApproval
          ? yes('turns the release back')
          : no('it waits for no approval'),
    abort: ended
      ? over
      : back
        ? turning
        : yes(
            status.flipped
              ? `moves users back to ${spec.from ?? 'nothing'} and removes ${spec.to}`
              : `removes ${spec.to}; users are not affected`,
          ),
    rollback: ended
      ? phase === 'Succeeded'
        ? spec.from === null
          ? no('it was the first release: there is no earlier revision to go back to')
          : yes(`makes a new release to ${spec.from}`)
        : over
      : back
        ? turning
        : yes(`moves users back to ${spec.from ?? 'nothing'}`),
    retry: ended
      ? phase === 'Succeeded'
        ? over
        : yes('makes a new release to the same revision')
      : back
        ? turning
        : failed
          ? yes('tries the step again')
          : no('nothing failed in it'),
    skip: ended
      ? over
      : back
        ? turning
        : forGate
          ? yes('passes the gate by a person’s word; the receipt says so')
          : no('it waits for no gate'),
  };
}
