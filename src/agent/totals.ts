import type { TrafficTotals } from '../api/release.ts';
import type { ServiceTotals } from '../drivers/cluster-driver.ts';

type Totals = Readonly<Record<string, ServiceTotals>>;
type Counts = Pick<ServiceTotals, 'requests' | 'failed' | 'answered5xx'>;

const NONE: Counts = { requests: 0, failed: 0, answered5xx: 0 };

/** What was counted since the baseline, over all services of a subject; versions that nobody reached are left out. */
export function totalsSince(baseline: Totals, now: Totals): TrafficTotals {
  let sum: Counts = NONE;
  const failures: Record<string, number> = {};
  const byVersion: Record<string, Counts> = {};
  for (const [service, totals] of Object.entries(now)) {
    const before = baseline[service];
    sum = plus(sum, since(before, totals));
    for (const [cause, n] of Object.entries(totals.failures)) {
      const more = grown(n, before?.failures[cause]);
      if (more > 0) failures[cause] = (failures[cause] ?? 0) + more;
    }
    for (const [version, counts] of Object.entries(totals.byVersion)) {
      const more = since(before?.byVersion[version], counts);
      if (more.requests > 0 || more.failed > 0) byVersion[version] = plus(byVersion[version] ?? NONE, more);
    }
  }
  return { ...sum, failures, byVersion };
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

/** Of a service that nobody has asked yet. */
export const noTotals = (source: ServiceTotals['source']): ServiceTotals => ({
  source,
  requests: 0,
  failed: 0,
  failures: {},
  answered5xx: 0,
  byVersion: {},
});
