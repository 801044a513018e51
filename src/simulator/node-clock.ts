import type { Timeline } from './timeline.ts';

/**
 * The clocks of one machine. The wall clock jumps and drifts; the monotonic one only changes its pace, and never
 * goes back: what it has counted so far stands when the rate changes. Processes of one machine share it.
 */
export class NodeClock {
  /** Wall clock ahead of what this machine has counted, ms. */
  offsetMs = 0;
  readonly #timeline: Timeline;
  readonly #epochMs: number;
  #rate = 1;
  #countedMs = 0;
  #countedAt = 0;

  /** @param epochMs milliseconds since 1970 at the beginning of the run */
  constructor(timeline: Timeline, epochMs: number) {
    this.#timeline = timeline;
    this.#epochMs = epochMs;
  }

  get monotonic(): number {
    return this.#countedMs + (this.#timeline.now - this.#countedAt) * this.#rate;
  }

  get wall(): number {
    return Math.round(this.#epochMs + this.offsetMs + this.monotonic);
  }

  /** How much faster than true time it runs from now on; 1 is right. Timers under way keep their end. */
  setRate(rate: number): void {
    this.#countedMs = this.monotonic;
    this.#countedAt = this.#timeline.now;
    this.#rate = rate;
  }

  /** True time for so much of this clock's. A timer is never early, whatever the division lost. */
  trueMs(ms: number): number {
    return this.#rate === 1 ? ms : ms / this.#rate + 0.001;
  }
}
