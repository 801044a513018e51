import type { ExecutionStatus } from '../../api/execution.ts';
import type { TrafficTotals } from '../../api/release.ts';
import type { ReleaseInput } from './input.ts';

/** The newest counts that any execution of this release has brought, added up over clusters. */
export function latestTraffic(input: ReleaseInput): TrafficTotals | null {
  const newest = new Map<string, { sequence: number; totals: TrafficTotals }>();
  for (const [name, execution] of Object.entries(input.executions)) {
    const place = placeOf(name, execution);
    if (place === null) continue;
    const known = newest.get(place.cluster);
    if (known === undefined || place.sequence > known.sequence)
      newest.set(place.cluster, { sequence: place.sequence, totals: place.totals });
  }
  if (newest.size === 0) return null;
  return [...newest.values()].map(({ totals }) => totals).reduce(add);
}

function placeOf(
  name: string,
  { traffic }: ExecutionStatus,
): { cluster: string; sequence: number; totals: TrafficTotals } | null {
  const parts = /-e(\d+)-s(\d+)(?:-(.+))?$/.exec(name);
  if (parts === null || traffic === null) return null;
  // Epochs first: what a later epoch brings is newer whatever its sequence.
  return {
    cluster: parts[3] ?? '',
    sequence: Number(parts[1]) * 1_000_000 + Number(parts[2]),
    totals: traffic,
  };
}

function add(a: TrafficTotals, b: TrafficTotals): TrafficTotals {
  const failures = { ...a.failures };
  for (const [cause, n] of Object.entries(b.failures)) failures[cause] = (failures[cause] ?? 0) + n;
  const byVersion = { ...a.byVersion };
  for (const [version, counts] of Object.entries(b.byVersion)) {
    const known = byVersion[version];
    byVersion[version] =
      known === undefined
        ? counts
        : { requests: known.requests + counts.requests, failed: known.failed + counts.failed };
  }
  return { requests: a.requests + b.requests, failed: a.failed + b.failed, failures, byVersion };
}

/**
 * Failures of the old version's instances. While traffic has not begun to move they are not the release's
 * doing: a stable version that fails by itself blocks no release (peers.md row 5). Afterwards its instances
 * are being drained, and each failure counts.
 */
export const failuresOf = (totals: TrafficTotals, versions: readonly string[]): number =>
  versions.reduce((sum, version) => sum + (totals.byVersion[version]?.failed ?? 0), 0);
