import type { ExecutionSpec } from '../api/execution.ts';
import type { TrafficTotals } from '../api/release.ts';
import type { ServiceTotals, TrafficRouter } from '../drivers/cluster-driver.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { serviceKey, servicesOf } from './context.ts';
import { noTotals, totalsSince } from './totals.ts';

/** A failed request is known this soon, in ms. */
const WATCH_MS = 100;

export interface TrafficWatchOptions {
  readonly trafficRouter: TrafficRouter;
  readonly clock: Clock;
  readonly log: Log;
  baselineOf(subject: string): Readonly<Record<string, ServiceTotals>> | undefined;
  /** Durable when it resolves. */
  saveBaseline(subject: string, totals: Readonly<Record<string, ServiceTotals>>): Promise<void>;
  /** Called when the subject's failures rose. */
  failuresRose(subject: string, totals: TrafficTotals): void;
}

interface Watched {
  readonly spec: ExecutionSpec;
  readonly namespace: string;
  latest: TrafficTotals | null;
  reading: boolean;
}

/**
 * Counts of the services whose release is under way, against what they were before its first execution
 * here. What cannot be read stays as last read; what was never read is null, "not measured".
 */
export class TrafficWatch {
  readonly #options: TrafficWatchOptions;
  readonly #watched = new Map<string, Watched>();
  #timer: Disposable | null = null;

  constructor(options: TrafficWatchOptions) {
    this.#options = options;
  }

  /** Begins with a subject's execution, or goes on after a restart. Work outside releases is not watched. */
  async watch(namespace: string, spec: ExecutionSpec): Promise<void> {
    if (spec.release === null || servicesOf(spec).length === 0) return;
    const known = this.#watched.get(spec.subject);
    if (known === undefined) {
      this.#watched.set(spec.subject, { spec, namespace, latest: null, reading: false });
    }
    this.#arm();
    // Only the beginning must be read before anything changes; what is counted already goes on by itself.
    if (known === undefined || known.latest === null) await this.refresh(spec.subject);
  }

  forget(subject: string): void {
    this.#watched.delete(subject);
  }

  /** As last read. */
  totals(subject: string): TrafficTotals | null {
    return this.#watched.get(subject)?.latest ?? null;
  }

  stop(): void {
    this.#watched.clear();
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  /** Reads now, so that a final report has the last counts. False where they could not be read. */
  async refresh(subject: string): Promise<boolean> {
    const watched = this.#watched.get(subject);
    if (watched === undefined) return false;
    try {
      return await this.#read(subject, watched);
    } catch (error) {
      this.#options.log.debug('the counts of a service cannot be read just now', { subject, error });
      return false;
    }
  }

  /** As read now; null where that cannot be. */
  async counted(subject: string): Promise<TrafficTotals | null> {
    return (await this.refresh(subject)) ? this.totals(subject) : null;
  }

  async #read(subject: string, watched: Watched): Promise<boolean> {
    const { trafficRouter } = this.#options;
    const totals: Record<string, ServiceTotals> = {};
    for (const workload of servicesOf(watched.spec)) {
      const key = serviceKey(watched, workload);
      const read = await trafficRouter.totals(key);
      // A service that does not exist yet has counted nothing; one that cannot be measured says nothing.
      if (read === null && (await trafficRouter.traffic(key)) !== undefined) return false;
      totals[workload] = read ?? noTotals('router');
    }
    const baseline = this.#options.baselineOf(subject);
    if (baseline === undefined) await this.#options.saveBaseline(subject, totals);
    const before = watched.latest;
    const latest = totalsSince(baseline ?? totals, totals);
    // Two readings may overlap; counts never go back.
    if (before !== null && latest.requests < before.requests) return true;
    watched.latest = latest;
    if (latest.failed > (before?.failed ?? 0)) this.#options.failuresRose(subject, latest);
    return true;
  }

  #arm(): void {
    if (this.#timer !== null || this.#watched.size === 0) return;
    this.#timer = this.#options.clock.setTimer(WATCH_MS, () => {
      this.#timer = null;
      for (const [subject, watched] of this.#watched) {
        if (watched.reading) continue;
        watched.reading = true;
        void this.refresh(subject).finally(() => {
          watched.reading = false;
        });
      }
      this.#arm();
    });
  }
}
