import { durationMs } from '../../api/duration.ts';
import { causedBy, noteFlip } from './caused-failures.ts';
import type { Draft, Failure } from './draft.ts';

/** The first request that the release made fail turns it back, or stops it, by policy. True when it did. */
export function stopsAtFailedRequest(draft: Draft): boolean {
  const { status, spec } = draft;
  const { traffic, pause } = status;
  const policy = spec.policy.onFailedRequest;
  if (status.direction === 'back') return false;
  noteFlip(draft);
  if (traffic === null || policy === 'ignore') return false;
  const caused = causedBy(draft, traffic);
  if (caused.failed <= status.failedRequestsAccepted) return false;
  // What nobody knows the outcome of is settled first: its words must not be lost.
  if (policy === 'pause' && pause?.reason === 'unknown') return false;
  status.failedRequestsAccepted = caused.failed;
  const causes = Object.entries(caused.causes).map(([cause, n]) => `${n} ${cause}`);
  const others = traffic.failed - caused.failed;
  const apart = others === 0 ? '' : `; ${others} more failed and not by its doing`;
  const inside =
    caused.ended === 0
      ? ''
      : `; ${caused.ended === 1 ? 'one was' : `${caused.ended} were`} still inside an instance of the old version when that was ended: drain.timeout, for streams drain.streamTimeout, says how long it waits`;
  const failure: Failure = {
    reason: 'failedRequests',
    message: `${caused.failed} of ${traffic.requests} requests failed since it began (${causes.join(', ')})${apart}${inside}`,
    affects: caused.failed === 1 ? 'Users: that one request.' : `Users: those ${caused.failed} requests.`,
    advice: `slipway receipt ${draft.input.name}`,
  };
  draft.noteFailure(failure);
  if (policy === 'rollback') draft.turnBack('failure', 'slipway', failure.message);
  // A pause that anyone may end by `promote` becomes one that names the failure.
  else if (pause?.reason !== 'failure')
    draft.pause('failure', 'slipway', durationMs(spec.policy.pauseExpiry));
  return true;
}
