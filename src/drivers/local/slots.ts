/** Lets `size` holders in at a time, in the order in which they came. */
export class Slots {
  readonly #size: number;
  readonly #queue: (() => void)[] = [];
  #taken = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Resolves with the release of the slot, which may be called more than once. */
  async take(): Promise<() => void> {
    if (this.#taken >= this.#size) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#taken += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#queue.shift();
      // The slot goes straight to the next in line, so `taken` stays.
      if (next !== undefined) next();
      else this.#taken -= 1;
    };
  }
}
