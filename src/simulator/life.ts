import type { Clock } from '../lib/clock.ts';
import { type FaultTally, type Strikes, strikesOf } from './fault-tally.ts';
import type { NodeClock } from './node-clock.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

/** How often a call through a port meets a fault, 0 to 1 each. */
export interface CallFaults {
  /** The process is killed before the effect, or after it and before its answer. */
  readonly crash: number;
  /** The call reaches its end late, or its answer comes late. */
  readonly slow: number;
  /** The whole process stands still for a while after the effect (a long pause of its collector, a swap). */
  readonly pause: number;
}

export const NO_CALL_FAULTS: CallFaults = { crash: 0, slow: 0, pause: 0 };

/**
 * One process from its start to its death. When it dies its calls never answer, its timers never fire and
 * nothing that it still runs has an effect: production code that goes on after an await meets a wall at its
 * next port. A paused one meets its wall until it is resumed, and then goes on, whatever happened meanwhile.
 */
export class Life {
  readonly name: string;
  readonly clock: Clock;
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  readonly #faults: CallFaults;
  readonly #strikes: Strikes;
  readonly #died: (() => void)[] = [];
  #alive = true;
  #pausedUntil = 0;

  constructor(options: {
    name: string;
    timeline: Timeline;
    random: SeededRandom;
    faults: CallFaults;
    tally: FaultTally;
    clock: NodeClock;
  }) {
    this.name = options.name;
    this.#timeline = options.timeline;
    this.#random = options.random;
    this.#faults = options.faults;
    this.#strikes = strikesOf(options.random, options.tally);
    this.clock = this.#makeClock(options.clock);
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** In ms since the run began; it stands still until then. */
  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  onDeath(callback: () => void): void {
    this.#died.push(callback);
  }

  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const callback of this.#died) callback();
  }

  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#timeline.now + ms);
  }

  /**
   * Carries out an effect with the faults of a call: it may never begin, never answer, or answer late. Most calls
   * meet no fault, and there are thousands in a run: those wait for nothing but the effect.
   */
  async call<T>(effect: () => T | Promise<T>, usualMs = 0): Promise<T> {
    const lateMs = this.#strikes('late call', this.#faults.slow / 2) ? this.#random.between(1, 2_000) : 0;
    const beforeMs = usualMs + lateMs;
    if (this.#mustWait(this.#strikes('crash before an effect', this.#faults.crash), beforeMs))
      await this.#gate(beforeMs);
    let outcome: { readonly value: T } | { readonly error: unknown };
    try {
      outcome = { value: await effect() };
    } catch (error) {
      outcome = { error };
    }
    const slowMs = this.#strikes('late answer', this.#faults.slow / 2) ? this.#random.between(1, 2_000) : 0;
    if (this.#strikes('pause after an effect', this.#faults.pause))
      this.pause(this.#random.between(100, 40_000));
    if (this.#mustWait(this.#strikes('crash after an effect', this.#faults.crash), slowMs))
      await this.#gate(slowMs);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Runs a callback of this process from outside: at once, after its pause, or never. */
  deliver(callback: () => void): void {
    if (!this.#alive) return;
    const pauseMs = this.#pausedUntil - this.#timeline.now;
    if (pauseMs > 0) this.#timeline.after(pauseMs, () => this.deliver(callback));
    else callback();
  }

  /** Dies where it is to; whether it is dead, stands still or takes its time. */
  #mustWait(crash: boolean, ms: number): boolean {
    if (crash) this.kill();
    return ms > 0 || !this.#alive || this.#pausedUntil > this.#timeline.now;
  }

  async #gate(ms: number): Promise<void> {
    for (let waitMs = ms; ; waitMs = 0) {
      if (!this.#alive) return never();
      waitMs = Math.max(waitMs, this.#pausedUntil - this.#timeline.now);
      // Killed or paused again while it waited.
      if (waitMs <= 0) return;
      await this.#timeline.wait(waitMs);
    }
  }

  #makeClock(node: NodeClock): Clock {
    const timeline = this.#timeline;
    const setTimer: Clock['setTimer'] = (ms, callback) => {
      if (!this.#alive) return { [Symbol.dispose]: () => {} };
      return timeline.after(node.trueMs(ms), () => this.deliver(callback));
    };
    return {
      now: () => node.wall,
      monotonic: () => node.monotonic,
      setTimer,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted === true) {
            reject(signal.reason);
            return;
          }
          const onAbort = () => {
            timer[Symbol.dispose]();
            reject(signal?.reason);
          };
          const timer = setTimer(ms, () => {
            signal?.removeEventListener('abort', onAbort);
            resolve();
          });
          signal?.addEventListener('abort', onAbort, { once: true });
        }),
    };
  }
}

/** One of its own each time: what waits at a shared one would be kept for ever, with its whole run. */
const never = (): Promise<never> => new Promise(() => {});
