import type { ServiceKey, WorkloadKey, WorkloadObservation } from '../drivers/cluster-driver.ts';
import { serviceId } from './data-plane.ts';

/**
 * What was read of the cluster by whoever writes to it, as the answers arrived. A write must stand on what was read last: what changed after
 * that nobody could know, and what was read before that and written nevertheless is a guard that failed.
 */
export class Reads {
  readonly #proven = new Map<string, number>();
  readonly #trafficMs = new Map<string, number>();
  readonly #asked = new Map<string, number | undefined>();

  /** An answer arrives. */
  observed(seen: WorkloadObservation | undefined): void {
    if (seen === undefined) return;
    this.#proven.set(versionId(seen.key), Math.min(seen.proven, seen.ready));
  }

  /** @param atMs of the run, when it was as the answer says that arrives now */
  traffic(service: ServiceKey, atMs: number): void {
    this.#trafficMs.set(serviceId(service), atMs);
  }

  /** Somebody is about to give these versions traffic. */
  asksTraffic(service: ServiceKey, versions: readonly string[]): void {
    for (const version of versions) {
      const id = versionId({ ...service, version });
      this.#asked.set(id, this.#proven.get(id));
    }
  }

  /** Somebody is about to take this down. */
  asksLess({ version: _version, ...service }: WorkloadKey): void {
    this.#asked.set(serviceId(service), this.#trafficMs.get(serviceId(service)));
  }

  /** How many were read as proven when it was asked to give this version traffic; undefined: nobody had looked. */
  provenWhenAsked(service: ServiceKey, version: string): number | undefined {
    return this.#asked.get(versionId({ ...service, version }));
  }

  /** When the traffic of a service had been read as one of its versions was asked to be taken down, ms of the run. */
  trafficReadMs(service: ServiceKey): number {
    return this.#asked.get(serviceId(service)) ?? Number.NEGATIVE_INFINITY;
  }
}

const versionId = ({ version, ...service }: WorkloadKey): string => `${serviceId(service)} ${version}`;
