import { SlipwayError } from '../../lib/errors.ts';
import type { Files } from '../../lib/files.ts';
import type { DrainRecord, Fence, WorkloadKey, WorkloadWish } from '../cluster-driver.ts';
import { JsonFile } from './json-file.ts';
import { workloadId } from './keys.ts';

/** Drains that are remembered per workload. */
const DRAINS_KEPT = 100;

/** What is wanted of one workload, durable. */
export interface StoredWorkload {
  readonly wish: WorkloadWish;
  /** Rises with each restart that is asked for; instances of a lower one are replaced. */
  readonly round: number;
  /** Forgotten once its last instance is gone. */
  readonly removing: boolean;
  readonly drains: readonly DrainRecord[];
}

interface Stored {
  readonly workloads: Readonly<Record<string, StoredWorkload>>;
  /** Highest epoch seen per fencing subject. */
  readonly epochs: Readonly<Record<string, number>>;
}

/** The driver's durable wishes (`agent/wishes.json`), by which it goes on without a manager. */
export class WishStore {
  readonly #file: JsonFile<Stored>;

  private constructor(file: JsonFile<Stored>) {
    this.#file = file;
  }

  static async open(files: Files, path: string): Promise<WishStore> {
    return new WishStore(await JsonFile.open<Stored>(files, path, { workloads: {}, epochs: {} }));
  }

  get workloads(): readonly StoredWorkload[] {
    return Object.values(this.#file.value.workloads);
  }

  get(id: string): StoredWorkload | undefined {
    return this.#file.value.workloads[id];
  }

  /** INV-12: throws `refused` where a higher epoch has written for the same subject. */
  checkFence(fence: Fence): void {
    const epoch = this.#file.value.epochs[fence.subject] ?? 0;
    if (fence.epoch < epoch) {
      throw new SlipwayError(
        'refused',
        `epoch ${fence.epoch} of ${fence.subject} is over: epoch ${epoch} has written since (INV-12)`,
      );
    }
  }

  async putWish(wish: WorkloadWish): Promise<StoredWorkload> {
    this.checkFence(wish.fence);
    const before = this.get(workloadId(wish.key));
    const stored = { round: 0, drains: [], ...before, wish, removing: false };
    await this.#save(stored, wish.fence);
    return stored;
  }

  /** Remembers the epoch of a write that is kept elsewhere. */
  async noteFence(fence: Fence): Promise<void> {
    const { epochs } = this.#file.value;
    if ((epochs[fence.subject] ?? -1) >= fence.epoch) return;
    await this.#file.save({ ...this.#file.value, epochs: { ...epochs, [fence.subject]: fence.epoch } });
  }

  async markRemoving(key: WorkloadKey): Promise<StoredWorkload | undefined> {
    return await this.#change(key, (stored) => ({
      ...stored,
      wish: { ...stored.wish, replicas: 0 },
      removing: true,
    }));
  }

  async nextRound(key: WorkloadKey): Promise<StoredWorkload | undefined> {
    return await this.#change(key, (stored) => ({ ...stored, round: stored.round + 1 }));
  }

  async addDrain(key: WorkloadKey, drain: DrainRecord): Promise<void> {
    await this.#change(key, (stored) => ({
      ...stored,
      drains: [...stored.drains, drain].slice(-DRAINS_KEPT),
    }));
  }

  async forget(key: WorkloadKey): Promise<void> {
    const { [workloadId(key)]: _, ...workloads } = this.#file.value.workloads;
    await this.#file.save({ ...this.#file.value, workloads });
  }

  async #change(
    key: WorkloadKey,
    change: (stored: StoredWorkload) => StoredWorkload,
  ): Promise<StoredWorkload | undefined> {
    const stored = this.get(workloadId(key));
    if (stored === undefined) return undefined;
    const changed = change(stored);
    await this.#save(changed);
    return changed;
  }

  async #save(stored: StoredWorkload, fence?: Fence): Promise<void> {
    const { workloads, epochs } = this.#file.value;
    await this.#file.save({
      workloads: { ...workloads, [workloadId(stored.wish.key)]: stored },
      epochs:
        fence === undefined
          ? epochs
          : { ...epochs, [fence.subject]: Math.max(fence.epoch, epochs[fence.subject] ?? 0) },
    });
  }
}
