/**
 * When a client starts its next request. It keeps to its own timetable, so that the rate is bounded; one that
 * is late starts at once but piles up one interval at the most.
 */
export class Pace {
  readonly #intervalMs: number;
  #nextAt: number;

  /** `phase` from 0 to 1 spreads the first requests of many clients over one interval. */
  constructor(intervalMs: number, phase: number, nowMs: number) {
    this.#intervalMs = intervalMs;
    this.#nextAt = nowMs + intervalMs * phase;
  }

  /** Milliseconds to wait before the next start, which is taken as given. */
  take(nowMs: number): number {
    const waitMs = Math.max(this.#nextAt - nowMs, 0);
    this.#nextAt = Math.max(this.#nextAt + this.#intervalMs, nowMs);
    return waitMs;
  }
}
