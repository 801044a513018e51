import type { ServiceKey, ServiceTotals, TrafficWish } from '../drivers/cluster-driver.ts';
import { cloneJson } from '../lib/clone-json.ts';
import type { FaultTally } from './fault-tally.ts';
import type { SimulatedInstance } from './instance.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

export interface PlaneFaults {
  /** How late a write may be seen, ms: what the router declares. */
  readonly lagMs: number;
  /** An older table shows itself after a newer one, until the lag is over; 0 to 1. */
  readonly outOfOrder: number;
  /** A write is in force only long after the lag that was declared: a control plane that is down; 0 to 1. */
  readonly stuck: number;
}

interface PlaneCounts {
  requests: number;
  failed: number;
  readonly failures: Record<string, number>;
  readonly byItself: Record<string, number>;
}

/** What the data plane does with one service: the table that it follows now, and what it counted. */
export interface PlaneService {
  readonly key: ServiceKey;
  /** What was written last and acknowledged; undefined when its routes were taken away. */
  written: TrafficWish | undefined;
  /** What requests follow. */
  inForce: TrafficWish | undefined;
  /** The newest of those that have arrived; older ones show themselves beside it for a while. */
  arrived: TrafficWish | undefined;
  generation: number;
  /** Until then it may follow an older table than it said, ms since the run began. */
  behindUntilMs: number;
  /** Backends that requests may be sent to, by version. */
  readonly pools: Map<string, Set<SimulatedInstance>>;
  totals: { requests: number; failed: number; gaps: number };
  readonly failures: Record<string, number>;
  readonly byVersion: Record<string, PlaneCounts>;
}

export const serviceId = ({ namespace, application, environment, workload }: ServiceKey): string =>
  `${namespace}/${application}/${environment}/${workload}`;

/**
 * The data plane: a table per service that follows what is written at once (lag 0, our own router) or a
 * while later (a mesh, kube-proxy), and the backends of each version. It knows nothing of wishes or floors.
 */
export class DataPlane {
  readonly services = new Map<string, PlaneService>();
  faults: PlaneFaults;
  /** Somebody speaks of a service for the first time. */
  onService: (service: PlaneService) => void = () => {};
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  readonly #tally: FaultTally;
  #downUntil = 0;
  #generation = 0;

  constructor(timeline: Timeline, random: SeededRandom, faults: PlaneFaults, tally: FaultTally) {
    this.#timeline = timeline;
    this.#random = random;
    this.faults = faults;
    this.#tally = tally;
  }

  get isDown(): boolean {
    return this.#timeline.now < this.#downUntil;
  }

  /** Killed: nothing answers until it is back, its last counts may be lost; its table is durable. */
  kill(ms: number): void {
    this.#downUntil = this.#timeline.now + ms;
    for (const { pools, totals } of this.services.values()) {
      totals.gaps += 1;
      for (const pool of pools.values()) {
        for (const instance of pool)
          for (const request of [...instance.inside]) request.cut('reset', 'killed');
      }
    }
  }

  service(key: ServiceKey): PlaneService {
    const id = serviceId(key);
    const known = this.services.get(id);
    if (known !== undefined) return known;
    const service: PlaneService = {
      key,
      written: undefined,
      inForce: undefined,
      arrived: undefined,
      generation: 0,
      behindUntilMs: 0,
      pools: new Map(),
      totals: { requests: 0, failed: 0, gaps: 0 },
      failures: {},
      byVersion: {},
    };
    this.services.set(id, service);
    this.onService(service);
    return service;
  }

  /** Writes a table; answers its generation and how long it took to be in force. */
  async write(
    key: ServiceKey,
    wish: TrafficWish | undefined,
  ): Promise<{ generation: number; flipMs: number }> {
    const service = this.service(key);
    this.#generation += 1;
    const generation = this.#generation;
    service.written = wish;
    const { lagMs, outOfOrder, stuck } = this.faults;
    if (lagMs === 0) {
      const flipMs = 0.3;
      await this.#timeline.wait(flipMs);
      this.#apply(service, wish, generation);
      return { generation, flipMs };
    }
    const isStuck = this.#random.chance(stuck);
    const lateMs = isStuck ? lagMs + this.#random.between(3_000, 60_000) : this.#random.between(0, lagMs);
    this.#tally.add(isStuck ? 'table beyond its lag' : 'table late');
    if (isStuck) service.behindUntilMs = Math.max(service.behindUntilMs, this.#timeline.now + lateMs + lagMs);
    this.#timeline.after(
      lateMs,
      () => {
        const older = generation > service.generation ? service.inForce : wish;
        const isNew = generation > service.generation;
        if (isNew) this.#apply(service, wish, generation);
        const leftMs = lagMs - lateMs;
        if (leftMs <= 0 || !this.#random.chance(outOfOrder)) return;
        // One proxy of several is later than the others, or an older table overtakes a newer one.
        this.#regressLater(service, older, isNew ? leftMs : 0, leftMs);
      },
      { quiet: true },
    );
    return { generation, flipMs: lateMs };
  }

  /** A backend joins at once, and is left out after the lag at the most; resolves when it is out. */
  join(key: ServiceKey, instance: SimulatedInstance): void {
    const { pools } = this.service(key);
    const pool = pools.get(instance.key.version) ?? new Set();
    pools.set(instance.key.version, pool.add(instance));
  }

  leave(key: ServiceKey, instance: SimulatedInstance): void {
    this.services.get(serviceId(key))?.pools.get(instance.key.version)?.delete(instance);
  }

  /** @param byItself the instances of the version failed it, and nobody had told them to end */
  count(service: PlaneService, version: string | null, cause: string | null, byItself = false): void {
    service.totals.requests += 1;
    const none: PlaneCounts = { requests: 0, failed: 0, failures: {}, byItself: {} };
    const of = version === null ? undefined : (service.byVersion[version] ?? none);
    if (version !== null && of !== undefined) service.byVersion[version] = of;
    if (of !== undefined) of.requests += 1;
    if (cause === null) return;
    service.totals.failed += 1;
    service.failures[cause] = (service.failures[cause] ?? 0) + 1;
    if (of === undefined) return;
    of.failed += 1;
    of.failures[cause] = (of.failures[cause] ?? 0) + 1;
    if (byItself) of.byItself[cause] = (of.byItself[cause] ?? 0) + 1;
  }

  totals(key: ServiceKey): ServiceTotals | null {
    const service = this.services.get(serviceId(key));
    if (service === undefined) return null;
    const { totals, failures, byVersion } = service;
    return {
      source: 'router',
      requests: totals.requests,
      failed: totals.failed,
      failures: { ...failures },
      byVersion: cloneJson(byVersion),
      ...(totals.gaps === 0 ? {} : { gaps: totals.gaps }),
    };
  }

  #apply(service: PlaneService, wish: TrafficWish | undefined, generation: number): void {
    if (generation < service.generation) return;
    service.inForce = wish;
    service.arrived = wish;
    service.generation = generation;
  }

  #regressLater(service: PlaneService, older: TrafficWish | undefined, waitMs: number, leftMs: number): void {
    const { generation } = service;
    const afterMs = this.#random.next() * waitMs;
    this.#timeline.after(
      afterMs,
      () => {
        if (service.generation === generation) this.#regress(service, older, leftMs - afterMs);
      },
      { quiet: true },
    );
  }

  /** An older table shows itself once more, within the lag that was declared. */
  #regress(service: PlaneService, older: TrafficWish | undefined, forMs: number): void {
    this.#tally.add('older table in force again');
    const newest = service.generation;
    service.inForce = older;
    this.#timeline.after(
      forMs,
      () => {
        if (service.generation === newest) service.inForce = service.arrived;
      },
      { quiet: true },
    );
  }
}
