import type { ReleaseSpec, ReleaseStatus } from '../../api/release.ts';
import type { TrackStatus } from '../../api/revision.ts';
import { strategyName } from '../../api/strategy.ts';
import { retentionOf } from '../plan/steps.ts';
import { hasEnded } from '../release/state.ts';
import { earlierAfter } from './earlier.ts';

/**
 * What a release that has ended leaves behind: which revision is live, which is warm and until when. A warm
 * revision is retired by its timer, outside the release (design section 5).
 */
export function settle(
  track: TrackStatus,
  release: { spec: ReleaseSpec; status: ReleaseStatus },
  now: number,
): TrackStatus {
  const { spec, status } = release;
  if (!hasEnded(status.phase)) return track;
  const at = new Date(now).toISOString();
  const { inPlaceUnknown: _settled, ...known } = track;
  const freed = { ...(status.phase === 'Succeeded' ? known : track), active: null };
  if (status.phase === 'Succeeded') {
    const retention = retentionOf(spec.strategy) ?? { ms: 0, count: 1 };
    const kept = track.warm
      .filter((w) => w.revision !== spec.to && w.revision !== spec.from)
      // The traffic is settled: what a failed way back left has no use any more.
      .map((w) => (w.expiresAt === STRAY ? { ...w, expiresAt: at } : w));
    const fresh =
      spec.plan.afterwards === 'warm' && spec.from !== null
        ? [
            {
              revision: spec.from,
              since: at,
              expiresAt: new Date(now + retention.ms).toISOString(),
              replicas: Object.fromEntries(
                spec.workloads.filter((w) => w.inFrom && w.inTo).map((w) => [w.name, w.replicasFrom]),
              ),
            },
          ]
        : [];
    const warm = [...fresh, ...kept].map((entry, index) =>
      index < retention.count ? entry : { ...entry, expiresAt: at },
    );
    const earlier = earlierAfter(track, spec);
    return {
      ...freed,
      live: spec.to,
      previous: earlier.at(-1) ?? null,
      earlier,
      // What it is shaped for, also where the change to it was carried out by another.
      liveStrategy: strategyName(spec.strategy),
      warm,
      applied: spec.inPlace,
      standing: { inPlace: spec.inPlace, routes: spec.routes },
      replicas: { ...track.replicas, ...spec.replicas },
    };
  }
  // The way back failed: what stands of the new version stays until a later release has settled the traffic, and
  // the live one is brought to its size and traffic again by work in place.
  if (status.phase === 'Failed') {
    const known = track.warm.some((w) => w.revision === spec.to);
    const stray = { revision: spec.to, since: at, expiresAt: STRAY };
    return { ...freed, applied: null, warm: known ? track.warm : [...track.warm, stray] };
  }
  return freed;
}

/** Expires with the next release that succeeds, and never by time. */
const STRAY = '9999-12-31T00:00:00.000Z';
