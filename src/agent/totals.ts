import type { TrafficTotals } from '../api/release.ts';
import type { ServiceTotals } from '../drivers/cluster-driver.ts';

type Totals = Readonly<Record<string, ServiceTotals>>;
type Causes = Readonly<Record<string, number>>;

/** What was counted since the baseline, over all services of a subject. */
export function totalsSince(baseline: Totals, now: Totals): TrafficTotals {
  const sum = { requests: 0, failed: 0 };
  let failures: Causes = {};
  const byVersion: TrafficTotals['byVersion'] = {};
  for (const [service, totals] of Object.entries(now)) {
    const before = baseline[service];
    sum.requests += grown(totals.requests, before?.requests);
    sum.failed += grown(totals.failed, before?.failed);
    failures = withGrowth(failures, totals.failures, before?.failures);
    for (const [version, counts] of Object.entries(totals.byVersion)) {
      const earlier = before?.byVersion[version];
      const sofar = byVersion[version];
      byVersion[version] = {
        requests: (sofar?.requests ?? 0) + grown(counts.requests, earlier?.requests),
        failed: (sofar?.failed ?? 0) + grown(counts.failed, earlier?.failed),
        failures: withGrowth(sofar?.failures ?? {}, counts.failures, earlier?.failures),
        byItself: withGrowth(sofar?.byItself ?? {}, counts.byItself, earlier?.byItself),
      };
    }
  }
  return { ...sum, failures, byVersion };
}

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

export const noTotals = (source: ServiceTotals['source']): ServiceTotals => ({
  source,
  requests: 0,
  failed: 0,
  failures: {},
  byVersion: {},
});
