import type { ServiceKey, WorkloadKey, WorkloadObservation } from '../drivers/cluster-driver.ts';
import { serviceId } from './data-plane.ts';
import type { Timeline } from './timeline.ts';

/** How many instances of a version were read as proven, and when, ms of the run. */
export interface ProvenRead {
  readonly count: number;
  readonly atMs: number;
}

interface TrafficRead {
  /** When it was as the answer says, and when the answer came. */
  readonly atMs: number;
  readonly answeredMs: number;
}

/** Whoever takes something down has looked at its traffic right before, ms. */
const FRESH_MS = 50;

/**
 * What was read of the cluster by whoever writes to it, as the answers arrived. A write must stand on what was read
 * last: what changed after that nobody could know, and what was read before that and written nevertheless is a guard
 * that failed.
 */
export class Reads {
  readonly #timeline: Timeline;
  readonly #proven = new Map<string, ProvenRead>();
  readonly #traffic = new Map<string, TrafficRead>();
  readonly #provenWhenAsked = new Map<string, ProvenRead | undefined>();
  readonly #trafficWhenAsked = new Map<string, TrafficRead | undefined>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** An answer arrives. */
  observed(seen: WorkloadObservation | undefined): void {
    if (seen === undefined) return;
    const count = Math.min(seen.proven, seen.ready);
    this.#proven.set(versionId(seen.key), { count, atMs: this.#timeline.now });
  }

  /** @param atMs of the run, when it was as the answer says that arrives now */
  traffic(service: ServiceKey, atMs: number): void {
    this.#traffic.set(serviceId(service), { atMs, answeredMs: this.#timeline.now });
  }

  /** Somebody is about to give these versions traffic. */
  asksTraffic(service: ServiceKey, versions: readonly string[]): void {
    for (const version of versions) {
      const id = versionId({ ...service, version });
      this.#provenWhenAsked.set(id, this.#proven.get(id));
    }
  }

  /** Somebody is about to take this down. */
  asksLess(key: WorkloadKey): void {
    const id = serviceId(key);
    const read = this.#traffic.get(id);
    const isFresh = read !== undefined && this.#timeline.now - read.answeredMs <= FRESH_MS;
    this.#trafficWhenAsked.set(id, isFresh ? read : undefined);
  }

  /** What was known of a version when it was asked to give it traffic; undefined: nobody had looked. */
  provenWhenAsked(service: ServiceKey, version: string): ProvenRead | undefined {
    return this.#provenWhenAsked.get(versionId({ ...service, version }));
  }

  /**
   * When the traffic of a service was as it had been read just before one of its versions was asked to be taken down,
   * ms of the run; null: nobody had looked.
   */
  trafficReadMs(service: ServiceKey): number | null {
    return this.#trafficWhenAsked.get(serviceId(service))?.atMs ?? null;
  }
}

const versionId = ({ version, ...service }: WorkloadKey): string => `${serviceId(service)} ${version}`;
