import type { TrafficTotals } from '../api/release.ts';
import type { ServiceTotals, VersionTotals } from '../drivers/cluster-driver.ts';

type Totals = Readonly<Record<string, ServiceTotals>>;
type Counts = Pick<ServiceTotals, 'requests' | 'failed' | 'answered5xx'>;
type Causes = Readonly<Record<string, number>>;

const NONE: Counts = { requests: 0, failed: 0, answered5xx: 0 };

/** What was counted since the baseline, over all services of a subject; versions that nobody reached are left out. */
export function totalsSince(baseline: Totals, now: Totals): TrafficTotals {
  let sum: Counts = NONE;
  let failures: Causes = {};
  const byVersion: Record<string, VersionTotals> = {};
  for (const [service, totals] of Object.entries(now)) {
    const before = baseline[service];
    sum = plus(sum, since(before, totals));
    failures = withGrowth(failures, totals.failures, before?.failures);
    for (const [version, counts] of Object.entries(totals.byVersion)) {
      const earlier = before?.byVersion[version];
      const sofar = byVersion[version];
      const more = since(earlier, counts);
      if (more.requests === 0 && more.failed === 0) continue;
      byVersion[version] = {
        ...plus(sofar ?? NONE, more),
        failures: withGrowth(sofar?.failures ?? {}, counts.failures, earlier?.failures),
        byItself: withGrowth(sofar?.byItself ?? {}, counts.byItself, earlier?.byItself),
      };
    }
  }
  return { ...sum, failures: { ...failures }, byVersion: byVersion as TrafficTotals['byVersion'] };
}

/** A baseline that an older program saved has no count of 5xx: what came since then is not known. */
const since = (before: Counts | undefined, now: Counts): Counts => ({
  requests: grown(now.requests, before?.requests),
  failed: grown(now.failed, before?.failed),
  ...(now.answered5xx === undefined || (before !== undefined && before.answered5xx === undefined)
    ? {}
    : { answered5xx: grown(now.answered5xx, before?.answered5xx) }),
});

const plus = (a: Counts, b: Counts): Counts => ({
  requests: a.requests + b.requests,
  failed: a.failed + b.failed,
  ...(a.answered5xx === undefined || b.answered5xx === undefined
    ? {}
    : { answered5xx: a.answered5xx + b.answered5xx }),
});

const grown = (now: number, before: number | undefined): number => Math.max(0, now - (before ?? 0));

function withGrowth(
  sofar: Causes,
  now: Causes | undefined,
  before: Causes | undefined,
): Record<string, number> {
  const sum: Record<string, number> = { ...sofar };
  for (const [cause, n] of Object.entries(now ?? {})) {
    const more = grown(n, before?.[cause]);
    if (more > 0) sum[cause] = (sum[cause] ?? 0) + more;
  }
  return sum;
}

/** Of a service that nobody has asked yet. */
export const noTotals = (source: ServiceTotals['source']): ServiceTotals => ({
  source,
  requests: 0,
  failed: 0,
  failures: {},
  answered5xx: 0,
  byVersion: {},
});
