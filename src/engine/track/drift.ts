import type { RevisionSpec, TrackStatus } from '../../api/revision.ts';
import { routedWorkload } from '../application/plan-workloads.ts';
import { versionName } from '../application/revision.ts';

/** What one cluster shows of one application in one environment. */
export interface SeenStanding {
  readonly workloads: readonly { readonly version: string; readonly wanted: number }[];
  /** Weights by version of each service that has routes. */
  readonly services: readonly {
    readonly workload: string;
    readonly weights: Readonly<Record<string, number>>;
  }[];
}

/**
 * What somebody else has written over at the live revision, in words; null where all is as it was last brought about.
 * Asked only between releases and work: while one is under way, what stands is its business. What is not shown at all
 * may not be known yet, as after a restart of the agent.
 */
export function driftOf(track: TrackStatus, live: RevisionSpec, seen: SeenStanding): string | null {
  if (track.active !== null || track.work !== null || track.applied === null) return null;
  const own = Object.fromEntries(live.workloads.map((w) => [w.name, w]));
  const routed = new Set((track.standing?.routes ?? []).map((route) => routedWorkload(route, own)));
  const words: string[] = [];
  for (const { name, type } of live.workloads) {
    if (type === 'migration') continue;
    const version = versionName(name, live.number);
    const wanted = seen.workloads.find((each) => each.version === version)?.wanted;
    const size = track.replicas?.[name];
    if (wanted !== undefined && size !== undefined && wanted !== size)
      words.push(`${version} is wanted with ${wanted} instances, not ${size}`);
    const weights = seen.services.find(({ workload }) => workload === name)?.weights;
    if (type === 'service' && routed.has(name) && weights !== undefined && weights[version] !== 100)
      words.push(`${version} has ${weights[version] ?? 0} % of the traffic`);
  }
  return words.length === 0 ? null : words.join(', ');
}
