import type { Files } from '../lib/files.ts';
import { type FaultTally, strikesOf } from './fault-tally.ts';
import type { Life } from './life.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Faults of a disk, 0 to 1 per write. */
export interface DiskFaults {
  readonly full: number;
  /** fsync fails: what was written is in nobody's hands; the file may hold all, half or none of it. */
  readonly sync: number;
}

/**
 * A disk that outlives its processes. What a call acknowledged is durable; what a crash met half way is torn:
 * an append leaves a part of its text, an atomic write leaves the old content or the new, never a mixture.
 */
export class SimulatedDisk {
  readonly content = new Map<string, Buffer>();
  readonly #random: SeededRandom;
  readonly #tally: FaultTally;
  faults: DiskFaults;

  constructor(random: SeededRandom, faults: DiskFaults, tally: FaultTally) {
    this.#random = random;
    this.#tally = tally;
    this.faults = faults;
  }

  /** The disk as one process sees it. */
  files(life: Life): Files {
    return {
      read: (path) => life.call(() => this.content.get(path)),
      writeAtomic: (path, data) =>
        life.call(() => {
          this.#mayFail(() => {
            if (this.#random.chance(0.5)) this.content.set(path, Buffer.from(data));
          });
          this.content.set(path, Buffer.from(data));
        }, this.#syncMs()),
      append: (path, data) => this.#append(life, path, data),
      remove: (path) =>
        life.call(() => {
          this.content.delete(path);
        }),
      list: (directory) =>
        life.call(() => {
          const prefix = `${directory}/`;
          return [...this.content.keys()]
            .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
            .map((path) => path.slice(prefix.length));
        }),
      makeDirectory: () => life.call(() => {}),
    };
  }

  async #append(life: Life, path: string, data: string): Promise<void> {
    let written = false;
    life.onDeath(() => {
      // Died between the first byte and the sync: any beginning of the text may be there.
      if (!written) {
        this.#tally.add('write torn by a death');
        this.#extend(path, data.slice(0, this.#random.between(0, data.length)));
      }
      written = true;
    });
    await life.call(() => {
      this.#mayFail(() => {
        this.#extend(path, data.slice(0, this.#random.between(0, data.length)));
        written = true;
      });
      this.#extend(path, data);
      written = true;
    }, this.#syncMs());
  }

  #extend(path: string, text: string): void {
    this.content.set(path, Buffer.concat([this.content.get(path) ?? Buffer.alloc(0), Buffer.from(text)]));
  }

  #mayFail(leaveBehind: () => void): void {
    const strikes = strikesOf(this.#random, this.#tally);
    if (strikes('disk full', this.faults.full)) {
      leaveBehind();
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    }
    if (strikes('fsync failed', this.faults.sync)) {
      leaveBehind();
      throw Object.assign(new Error('EIO: fsync failed'), { code: 'EIO' });
    }
  }

  /** A sync takes a fraction of a millisecond, and now and then much longer. */
  #syncMs(): number {
    return this.#random.chance(0.01) ? this.#random.between(10, 300) : 0.2;
  }
}
