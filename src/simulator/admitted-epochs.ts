import type { Fence } from '../drivers/cluster-driver.ts';
import { SlipwayError } from '../lib/errors.ts';

/** INV-12: what a cluster has carried out for each subject, so that an order of an older epoch is refused. */
export class AdmittedEpochs {
  readonly #highest = new Map<string, number>();
  readonly #onStale: (subject: string, epoch: number, highest: number) => void;

  constructor(onStale: (subject: string, epoch: number, highest: number) => void) {
    this.#onStale = onStale;
  }

  check({ subject, epoch }: Fence): void {
    const highest = this.#highest.get(subject) ?? epoch;
    if (epoch >= highest) return;
    this.#onStale(subject, epoch, highest);
    throw new SlipwayError('refused', `epoch ${epoch} of ${subject} is older than ${highest} (INV-12)`);
  }

  admit(fence: Fence): void {
    this.check(fence);
    this.#highest.set(fence.subject, fence.epoch);
  }
}
