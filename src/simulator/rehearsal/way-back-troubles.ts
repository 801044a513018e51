import { formatDuration } from '../../api/duration.ts';
import { retentionOf } from '../../engine/plan/steps.ts';
import type { Assumptions } from './assumptions.ts';
import type { Measures } from './measures.ts';
import { keepsWarm, type Subject } from './side.ts';
import type { Trouble } from './trouble.ts';

/** Where the file keeps the old version warm, going back is one flip for as long as people look whether they want to. */
export function wayBackTroubles({ wayBack }: Measures, { to }: Subject, { watchMs }: Assumptions): Trouble[] {
  const retention = retentionOf(to.strategy);
  if (wayBack === null || retention === null || !keepsWarm(to) || wayBack.wasWarm) return [];
  if (watchMs === 0 || wayBack.afterMs > watchMs) return [];
  const took =
    wayBack.tookMs === null
      ? 'did not come to its end'
      : `took ${formatDuration(wayBack.tookMs)} instead of one flip`;
  const kept = formatDuration(retention.ms);
  return [
    {
      ...{
        kind: 'wayBackCold',
        place: 'strategy.retention.time',
        atMs: 0,
        count: Math.round(wayBack.tookMs ?? 0),
      },
      message: `Going back while people still watch is no single flip: the old version is kept warm for ${kept}, and it is watched for ${formatDuration(watchMs)}. Asked for ${formatDuration(wayBack.afterMs)} after the release, the way back had to start it again and ${took}.`,
      next: `Set retention.time to at least ${formatDuration(watchMs)}, or say with --watched-for how long people watch.`,
    },
  ];
}
