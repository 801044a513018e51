/** So many in each window of time, counted from the first one in it. */
export class Allowance {
  readonly #most: number;
  readonly #windowMs: number;
  #since = Number.NEGATIVE_INFINITY;
  #used = 0;

  constructor(most: number, windowMs: number) {
    this.#most = most;
    this.#windowMs = windowMs;
  }

  /** Whether one more is allowed now; `now` never goes back. */
  admit(now: number): boolean {
    if (now - this.#since >= this.#windowMs) {
      this.#since = now;
      this.#used = 0;
    }
    this.#used += 1;
    return this.#used <= this.#most;
  }
}
