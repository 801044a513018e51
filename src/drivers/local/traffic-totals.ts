import type { Clock } from '../../lib/clock.ts';
import type { RouterControl } from '../../router/control-client.ts';
import type { RouterStats } from '../../router/table.ts';
import type { ServiceTotals } from '../cluster-driver.ts';
import { coalesced } from './coalesce.ts';
import type { JsonFile } from './json-file.ts';
import { isUnavailable } from './table-writer.ts';

interface Count {
  readonly requests: number;
  readonly failures: Readonly<Record<string, number>>;
  /** Absent in what an older program saved. */
  readonly answered5xx?: number;
}
/** Service → version → counts. */
type Counts = Readonly<Record<string, Readonly<Record<string, Count>>>>;

/** `agent/counters.json`. */
export interface StoredCounters {
  /** The router's life that `latest` was read from. */
  readonly bootId: string | null;
  readonly latest: Counts;
  /** Sum of the lives before that one, as last read of each. */
  readonly before: Counts;
  /** Lives that ended after they were read last: what they counted since then is lost. */
  readonly gaps: number;
}

export const NO_COUNTERS: StoredCounters = { bootId: null, latest: {}, before: {}, gaps: 0 };

/** Time between two saves while somebody asks. */
const SAVE_MS = 250;

/**
 * The router counts from 0 with each of its lives; a release wants counts that only grow. The last reading
 * of each life is kept, and a life that ended is added up; what it counted after its last reading is gone,
 * which `gaps` says.
 */
export class TrafficTotals {
  readonly #read: () => Promise<boolean>;
  #counters: StoredCounters;
  #savedAt = Number.NEGATIVE_INFINITY;

  constructor(control: RouterControl, file: JsonFile<StoredCounters>, clock: Clock) {
    this.#counters = file.value;
    this.#read = coalesced(async () => {
      try {
        const stats = await control.stats();
        const before = this.#counters;
        this.#counters = advance(before, stats);
        // Only where router and agent both die is more than the router itself still knows needed from here.
        const isDue = clock.monotonic() - this.#savedAt >= SAVE_MS || before.bootId !== stats.bootId;
        if (isDue && JSON.stringify(this.#counters) !== JSON.stringify(file.value)) {
          this.#savedAt = clock.monotonic();
          await file.save(this.#counters);
        }
        return true;
      } catch (error) {
        if (isUnavailable(error)) return false;
        throw error;
      }
    });
  }

  /** Null while the router cannot be asked: an old number would look like a measured one. */
  async of(service: string): Promise<ServiceTotals | null> {
    return (await this.#read()) ? totalsOf(this.#counters, service) : null;
  }
}

/** The counters after one more reading. */
export function advance(stored: StoredCounters, stats: RouterStats): StoredCounters {
  const latest = countsOf(stats);
  if (stored.bootId === stats.bootId) return { ...stored, latest };
  const isFirst = stored.bootId === null;
  return {
    bootId: stats.bootId,
    latest,
    before: isFirst ? stored.before : sum(stored.before, stored.latest),
    gaps: isFirst ? stored.gaps : stored.gaps + 1,
  };
}

function countsOf(stats: RouterStats): Counts {
  const counts: Record<string, Record<string, Count>> = {};
  for (const { service, version, requests, failed, statuses } of stats.versions) {
    const count = { requests, failures: { ...failed }, answered5xx: statuses['5xx'] ?? 0 };
    counts[service] = { ...counts[service], [version]: count };
  }
  return counts;
}

function sum(a: Counts, b: Counts): Counts {
  const total: Record<string, Record<string, Count>> = {};
  for (const counts of [a, b]) {
    for (const [service, versions] of Object.entries(counts)) {
      for (const [version, count] of Object.entries(versions)) {
        const so = total[service]?.[version];
        total[service] = {
          ...total[service],
          [version]: {
            requests: (so?.requests ?? 0) + count.requests,
            failures: addUp(so?.failures ?? {}, count.failures),
            answered5xx: (so?.answered5xx ?? 0) + (count.answered5xx ?? 0),
          },
        };
      }
    }
  }
  return total;
}

function addUp(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const total: Record<string, number> = { ...a };
  for (const [cause, n] of Object.entries(b)) total[cause] = (total[cause] ?? 0) + n;
  return total;
}

export function totalsOf(stored: StoredCounters, service: string): ServiceTotals {
  const versions = sum(stored.before, stored.latest)[service] ?? {};
  const failuresBy = Object.values(versions).reduce<Record<string, number>>(
    (total, { failures }) => addUp(total, failures),
    {},
  );
  const failedOf = ({ failures }: Count): number =>
    Object.values(failures).reduce((total, n) => total + n, 0);
  return {
    source: 'router',
    requests: Object.values(versions).reduce((total, { requests }) => total + requests, 0),
    failed: Object.values(versions).reduce((total, count) => total + failedOf(count), 0),
    failures: failuresBy,
    answered5xx: Object.values(versions).reduce((total, { answered5xx = 0 }) => total + answered5xx, 0),
    byVersion: Object.fromEntries(
      Object.entries(versions).map(([version, count]) => [
        version,
        { requests: count.requests, failed: failedOf(count), answered5xx: count.answered5xx ?? 0 },
      ]),
    ),
    ...(stored.gaps === 0 ? {} : { gaps: stored.gaps }),
  };
}
