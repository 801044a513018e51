import type { ExecutionStatus } from '../../api/execution.ts';
import type { TrafficTotals } from '../../api/release.ts';
import type { ReleaseInput } from './input.ts';

type Causes = Readonly<Record<string, number>>;

const NOTHING: TrafficTotals = { requests: 0, failed: 0, failures: {}, answered5xx: 0, byVersion: {} };

/** The newest counts that any execution of this release has brought, added up over clusters. */
export function latestTraffic(input: ReleaseInput): TrafficTotals | null {
  const newest = [...latestByCluster(input).values()];
  return newest.length === 0 ? null : sumOf(newest);
}

/** Cluster → the newest counts of its agent. */
export function latestByCluster(input: ReleaseInput): ReadonlyMap<string, TrafficTotals> {
  const newest = new Map<string, { sequence: number; totals: TrafficTotals }>();
  for (const [name, execution] of Object.entries(input.executions)) {
    const place = placeOf(input, name, execution);
    if (place === null) continue;
    const known = newest.get(place.cluster);
    if (known === undefined || place.sequence > known.sequence)
      newest.set(place.cluster, { sequence: place.sequence, totals: place.totals });
  }
  return new Map([...newest].map(([cluster, { totals }]) => [cluster, totals]));
}

function placeOf(
  input: ReleaseInput,
  name: string,
  { traffic }: ExecutionStatus,
): { cluster: string; sequence: number; totals: TrafficTotals } | null {
  // Behind the release's own name, which may look like a step itself.
  const parts = /^-e(\d+)-s(\d+)(?:-(.+))?$/.exec(name.slice(input.name.length));
  if (parts === null || traffic === null) return null;
  // Epochs first: what a later epoch brings is newer whatever its sequence. Gates are asked in the first cluster.
  return {
    cluster: parts[3] ?? input.spec.clusters[0] ?? '',
    sequence: Number(parts[1]) * 1_000_000 + Number(parts[2]),
    totals: traffic,
  };
}

export const sumOf = (totals: readonly TrafficTotals[]): TrafficTotals => totals.reduce(add, NOTHING);

function add(a: TrafficTotals, b: TrafficTotals): TrafficTotals {
  const byVersion = { ...a.byVersion };
  for (const [version, counts] of Object.entries(b.byVersion)) {
    const known = byVersion[version];
    byVersion[version] =
      known === undefined
        ? counts
        : {
            requests: known.requests + counts.requests,
            failed: known.failed + counts.failed,
            ...both(known, counts),
            failures: sumOfCauses(known.failures, counts.failures),
            byItself: sumOfCauses(known.byItself, counts.byItself),
          };
  }
  return {
    requests: a.requests + b.requests,
    failed: a.failed + b.failed,
    failures: sumOfCauses(a.failures, b.failures),
    ...both(a, b),
    byVersion,
  };
}

/** What one of both did not measure, the sum does not say. */
const both = (a: { answered5xx?: number | undefined }, b: { answered5xx?: number | undefined }) =>
  a.answered5xx === undefined || b.answered5xx === undefined
    ? {}
    : { answered5xx: a.answered5xx + b.answered5xx };

export function sumOfCauses(a: Causes = {}, b: Causes = {}, sign: 1 | -1 = 1): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [cause, n] of Object.entries(b)) sum[cause] = (sum[cause] ?? 0) + sign * n;
  return sum;
}
