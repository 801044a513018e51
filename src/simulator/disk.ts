import { posix } from 'node:path';
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
  readonly #directories = new Set(['/']);
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
    const appending = new Map<string, Promise<void>>();
    return {
      read: (path) =>
        life.call(() => {
          if (this.#directories.has(path)) throw failure('EISDIR', path);
          return this.content.get(path);
        }),
      writeAtomic: (path, data) =>
        life.call(() => {
          this.#mayStand(path);
          this.#mayFail(() => {
            if (this.#random.chance(0.5)) this.content.set(path, Buffer.from(data));
          });
          this.content.set(path, Buffer.from(data));
        }, this.#syncMs()),
      append: (path, data) => {
        // One after the other, as the adapter for a real disk does: what was called first stands first.
        const before = appending.get(path);
        const done =
          before === undefined
            ? this.#append(life, path, data)
            : before.then(() => this.#append(life, path, data));
        const settled = done.catch(() => undefined);
        appending.set(path, settled);
        void settled.then(() => {
          if (appending.get(path) === settled) appending.delete(path);
        });
        return done;
      },
      remove: (path) => life.call(() => this.#remove(path)),
      list: (directory) => life.call(() => this.#list(directory)),
      makeDirectory: (path) =>
        life.call(() => {
          for (let at = path; at !== '/'; at = posix.dirname(at)) {
            if (this.content.has(at)) throw failure(at === path ? 'EEXIST' : 'ENOTDIR', at);
            this.#directories.add(at);
          }
        }),
    };
  }

  #remove(path: string): void {
    const within = (each: string) => each === path || each.startsWith(`${path}/`);
    for (const each of this.content.keys()) if (within(each)) this.content.delete(each);
    for (const each of this.#directories) if (within(each)) this.#directories.delete(each);
  }

  #list(directory: string): string[] {
    if (this.content.has(directory)) throw failure('ENOTDIR', directory);
    return [...this.content.keys(), ...this.#directories]
      .filter((path) => path !== '/' && posix.dirname(path) === directory)
      .map((path) => posix.basename(path));
  }

  /** A file may be there: its directory is, and no directory of its name. */
  #mayStand(path: string): void {
    if (!this.#directories.has(posix.dirname(path))) throw failure('ENOENT', path);
    if (this.#directories.has(path)) throw failure('EISDIR', path);
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
      // Nothing was begun that a death could leave half done.
      written = true;
      this.#mayStand(path);
      written = false;
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
      throw failure('ENOSPC', 'the disk');
    }
    if (strikes('fsync failed', this.faults.sync)) {
      leaveBehind();
      throw failure('EIO', 'the disk');
    }
  }

  /** A sync takes a fraction of a millisecond, and now and then much longer. */
  #syncMs(): number {
    return this.#random.chance(0.01) ? this.#random.between(10, 300) : 0.2;
  }
}

const failure = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });
