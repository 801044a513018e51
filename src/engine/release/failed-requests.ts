import { durationMs } from '../../api/duration.ts';
import type { ExecutionStatus } from '../../api/execution.ts';
import type { TrafficTotals } from '../../api/release.ts';
import { versionName } from '../application/revision.ts';
import type { Draft, Failure } from './draft.ts';
import type { ReleaseInput } from './input.ts';

/** The newest counts that any execution of this release has brought, added up over clusters. */
export function latestTraffic(input: ReleaseInput): TrafficTotals | null {
  const newest = new Map<string, { sequence: number; totals: TrafficTotals }>();
  for (const [name, execution] of Object.entries(input.executions)) {
    const place = placeOf(input, name, execution);
    if (place === null) continue;
    const known = newest.get(place.cluster);
    if (known === undefined || place.sequence > known.sequence)
      newest.set(place.cluster, { sequence: place.sequence, totals: place.totals });
  }
  if (newest.size === 0) return null;
  return [...newest.values()].map(({ totals }) => totals).reduce(add);
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

function add(a: TrafficTotals, b: TrafficTotals): TrafficTotals {
  const failures = { ...a.failures };
  for (const [cause, n] of Object.entries(b.failures)) failures[cause] = (failures[cause] ?? 0) + n;
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
          };
  }
  return {
    requests: a.requests + b.requests,
    failed: a.failed + b.failed,
    failures,
    ...both(a, b),
    byVersion,
  };
}

/** What one of both did not measure, the sum does not say. */
const both = (a: { answered5xx?: number | undefined }, b: { answered5xx?: number | undefined }) =>
  a.answered5xx === undefined || b.answered5xx === undefined
    ? {}
    : { answered5xx: a.answered5xx + b.answered5xx };

/**
 * Failures that the release caused. Until its first flip is done, what the old version fails, or what no instance
 * answers, is not its doing: a stable version that fails by itself blocks no release (peers.md row 5). Afterwards
 * the old instances are being drained, and each failure counts.
 */
function countCaused({ status, spec }: Draft, traffic: TrafficTotals): number {
  const number = /-r(\d+)$/.exec(spec.to)?.[1];
  const fresh = spec.workloads
    .map((w) => traffic.byVersion[versionName(w.name, Number(number))]?.failed ?? 0)
    .reduce((sum, n) => sum + n, 0);
  if (status.moved !== true) status.untouchedFailures = traffic.failed - fresh;
  return traffic.failed - status.untouchedFailures;
}

/** The first request that the release made fail turns it back, or stops it, by policy. True when it did. */
export function stopsAtFailedRequest(draft: Draft): boolean {
  const { status, spec } = draft;
  const { traffic, pause } = status;
  const policy = spec.policy.onFailedRequest;
  if (status.direction === 'back' || traffic === null || policy === 'ignore') return false;
  const caused = countCaused(draft, traffic);
  if (caused <= status.failedRequestsAccepted) return false;
  // What nobody knows the outcome of is settled first: its words must not be lost.
  if (policy === 'pause' && pause?.reason === 'unknown') return false;
  status.failedRequestsAccepted = caused;
  const causes = Object.entries(traffic.failures).filter(([, n]) => n > 0);
  const failure: Failure = {
    reason: 'failedRequests',
    message: `${caused} of ${traffic.requests} requests failed since it began (${causes.map(([cause, n]) => `${n} ${cause}`).join(', ')})`,
    affects: caused === 1 ? 'Users: that one request.' : `Users: those ${caused} requests.`,
    advice: `slipway receipt ${draft.input.name}`,
  };
  draft.noteFailure(failure);
  if (policy === 'rollback') draft.turnBack('failure', 'slipway', failure.message);
  // A pause that anyone may end by `promote` becomes one that names the failure.
  else if (pause?.reason !== 'failure')
    draft.pause('failure', 'slipway', durationMs(spec.policy.pauseExpiry));
  return true;
}
