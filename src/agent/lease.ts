import type { Clock } from '../lib/clock.ts';

/**
 * INV-23: an agent that has not heard from its manager for `leaseMs` starts nothing new. It begins lapsed,
 * is renewed by every frame after the welcome, and those who wait go on with the first one.
 */
export class Lease {
  readonly #clock: Clock;
  #leaseMs: number | null = null;
  #heardAt = 0;
  #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** With the manager's welcome. */
  begin(leaseMs: number): void {
    this.#leaseMs = leaseMs;
    this.renew();
  }

  renew(): void {
    if (this.#leaseMs === null) return;
    this.#heardAt = this.#clock.monotonic();
    for (const go of this.#waiting) go();
  }

  get holds(): boolean {
    return this.#leaseMs !== null && this.#clock.monotonic() - this.#heardAt < this.#leaseMs;
  }

  /** Resolves once the lease holds; rejects with the signal's reason when it is aborted first. */
  async held(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (!this.holds) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onAbort = () => reject(signal.reason);
      this.#waiting.add(resolve);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        await promise;
      } finally {
        this.#waiting.delete(resolve);
        signal.removeEventListener('abort', onAbort);
      }
    }
  }
}
