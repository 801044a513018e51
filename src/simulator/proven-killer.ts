import type { WorkloadObservation } from '../drivers/cluster-driver.ts';
import type { FaultTally } from './fault-tally.ts';
import type { SimulatedWorkload } from './workload.ts';

/** It strikes at one of the first so many reads. */
const MOST_READS = 4;

/**
 * Kills an instance the moment after it was read as proven and before its version is given traffic: whoever gives it
 * on what was read a moment before gives it to nobody.
 */
export class ProvenKiller {
  readonly #tally: FaultTally;
  /** Reads until it strikes; null: it is not about to. */
  #reads: number | null = null;
  #pick = 0;

  constructor(tally: FaultTally) {
    this.#tally = tally;
  }

  /** @param pick 0 to 1: at which read, and whom */
  arm(pick: number): void {
    this.#reads = Math.floor(pick * MOST_READS);
    this.#pick = (pick * 1_000) % 1;
  }

  rest(): void {
    this.#reads = null;
  }

  /** @param weight the share of the traffic that its version is given now */
  observed({ proven }: WorkloadObservation, workload: SimulatedWorkload, weight: number): void {
    if (this.#reads === null || weight > 0 || !workload.takesTraffic) return;
    const { staying } = workload;
    if (staying.length === 0 || proven < staying.length) return;
    this.#reads -= 1;
    if (this.#reads >= 0) return;
    this.#reads = null;
    this.#tally.add('instance dies after it was read as proven');
    staying[Math.floor(this.#pick * staying.length)]?.die(137);
  }
}
