/** One caller's write, waiting for the commit that it will be part of. */
export interface Pending<W, A> {
  readonly write: W;
  /** Bytes, to keep a batch short. */
  readonly size: number;
  resolve(answer: A): void;
  reject(error: Error): void;
}

const MAX_WRITES = 256;
const MAX_BYTES = 4 * 1_048_576;

/**
 * Collects the writes of one turn of the event loop into one commit, in the order in which they were asked
 * for. A sync costs the same for one write as for a hundred, so what arrives together is made durable
 * together. Batches are bounded, so that reads come in between.
 *
 * `commit` settles every write that it is given; it must not throw.
 */
export class GroupCommit<W, A> {
  readonly #commit: (batch: readonly Pending<W, A>[]) => void;
  #queue: Pending<W, A>[] = [];
  #scheduled: NodeJS.Immediate | undefined;

  constructor(commit: (batch: readonly Pending<W, A>[]) => void) {
    this.#commit = commit;
  }

  add(write: W, size: number): Promise<A> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ write, size, resolve, reject });
      this.#schedule();
    });
  }

  /** Commits what waits, now. */
  flush(): void {
    while (this.#queue.length > 0) this.#commit(this.#take());
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      if (this.#queue.length === 0) return;
      const batch = this.#take();
      if (this.#queue.length > 0) this.#schedule();
      this.#commit(batch);
    });
  }

  #take(): Pending<W, A>[] {
    let bytes = 0;
    let count = 0;
    for (const { size } of this.#queue) {
      if (count > 0 && (count >= MAX_WRITES || bytes + size > MAX_BYTES)) break;
      bytes += size;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }
}
