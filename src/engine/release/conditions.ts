import type { Condition } from '../../api/meta.ts';
import type { ReleaseStatus } from '../../api/release.ts';
import { hasEnded } from './state.ts';

/**
 * Conditions for `kubectl wait` and people: Progressing, Succeeded, Degraded. The transition time moves only
 * when the status of a condition does.
 */
export function conditionsOf(status: ReleaseStatus, now: string): Condition[] {
  const ended = hasEnded(status.phase);
  const message = status.failure?.message ?? status.waiting.message;
  const wanted: { type: string; status: Condition['status']; reason: string; message: string }[] = [
    {
      type: 'Progressing',
      status: ended || status.phase === 'Paused' ? 'False' : 'True',
      reason: status.phase,
      message,
    },
    {
      type: 'Succeeded',
      status: status.phase === 'Succeeded' ? 'True' : ended ? 'False' : 'Unknown',
      reason: status.phase,
      message,
    },
    {
      type: 'Degraded',
      status: status.failure === null ? 'False' : 'True',
      reason:
        status.failure === null
          ? 'AsExpected'
          : (status.failure.reason[0]?.toUpperCase() ?? '') + status.failure.reason.slice(1),
      message: status.failure?.message ?? '',
    },
  ];
  return wanted.map((condition) => {
    const before = status.conditions.find((each) => each.type === condition.type);
    return {
      ...condition,
      lastTransitionTime:
        before !== undefined && before.status === condition.status ? before.lastTransitionTime : now,
    };
  });
}
