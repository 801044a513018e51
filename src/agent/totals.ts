import type { TrafficTotals } from '../api/release.ts';
import type { ServiceTotals } from '../drivers/cluster-driver.ts';

type Totals = Readonly<Record<string, ServiceTotals>>;

/** What was counted since the baseline, over all services of a subject. */
export function totalsSince(baseline: Totals, now: Totals): TrafficTotals {
  const sum = { requests: 0, failed: 0 };
  const failures: Record<string, number> = {};
  const byVersion: Record<string, { requests: number; failed: number }> = {};
  for (const [service, totals] of Object.entries(now)) {
    const before = baseline[service];
    sum.requests += grown(totals.requests, before?.requests);
    sum.failed += grown(totals.failed, before?.failed);
    for (const [cause, n] of Object.entries(totals.failures)) {
      const more = grown(n, before?.failures[cause]);
      if (more > 0) failures[cause] = (failures[cause] ?? 0) + more;
    }
    for (const [version, counts] of Object.entries(totals.byVersion)) {
      const earlier = before?.byVersion[version];
      const sofar = byVersion[version] ?? { requests: 0, failed: 0 };
      byVersion[version] = {
        requests: sofar.requests + grown(counts.requests, earlier?.requests),
        failed: sofar.failed + grown(counts.failed, earlier?.failed),
      };
    }
  }
  return { ...sum, failures, byVersion };
}

const grown = (now: number, before: number | undefined): number => Math.max(0, now - (before ?? 0));

export const noTotals = (source: ServiceTotals['source']): ServiceTotals => ({
  source,
  requests: 0,
  failed: 0,
  failures: {},
  byVersion: {},
});
