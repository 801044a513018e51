import type { ServiceKey, WorkloadKey, WorkloadObservation } from '../drivers/cluster-driver.ts';
import { serviceId } from './data-plane.ts';
import type { Timeline } from './timeline.ts';

/** How many instances of a version were read as proven, and when, ms of the run. */
export interface ProvenRead {
  readonly count: number;
  readonly atMs: number;
}

/**
 * What was read of the cluster by whoever writes to it, as the answers arrived. A write must stand on what was read
 * last: what changed after that nobody could know, and what was read before that and written nevertheless is a guard
 * that failed.
 */
export class Reads {
  readonly #timeline: Timeline;
  readonly #proven = new Map<string, ProvenRead>();
  readonly #trafficMs = new Map<string, number>();
  readonly #provenWhenAsked = new Map<string, ProvenRead | undefined>();
  readonly #trafficMsWhenAsked = new Map<string, number | undefined>();

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
    this.#trafficMs.set(serviceId(service), atMs);
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
    this.#trafficMsWhenAsked.set(id, this.#trafficMs.get(id));
  }

  /** What was known of a version when it was asked to give it traffic; undefined: nobody had looked. */
  provenWhenAsked(service: ServiceKey, version: string): ProvenRead | undefined {
    return this.#provenWhenAsked.get(versionId({ ...service, version }));
  }

  /** When the traffic of a service had been read as one of its versions was asked to be taken down, ms of the run. */
  trafficReadMs(service: ServiceKey): number {
    return this.#trafficMsWhenAsked.get(serviceId(service)) ?? Number.NEGATIVE_INFINITY;
  }
}

const versionId = ({ version, ...service }: WorkloadKey): string => `${serviceId(service)} ${version}`;
