import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** What a reconcile says of the future; undefined: nothing until something changes. */
export interface ReconcileResult {
  /** Milliseconds since 1970 at which to look again. */
  readonly wakeAt?: number | null;
}

const FIRST_RETRY_MS = 20;
const LAST_RETRY_MS = 10_000;
const SOONEST_MS = 5;

/**
 * Runs one reconcile per key at a time, never two of one key at once, and again for what changed meanwhile
 * (no lost wake-up). What throws is tried again with growing delay; that is for the unexpected alone, since
 * "cannot" is a result.
 */
export class WorkQueue {
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly reconcile: (key: string) => Promise<ReconcileResult>;
  private readonly running = new Set<string>();
  private readonly again = new Set<string>();
  private readonly failures = new Map<string, number>();
  private readonly timers = new Map<string, { at: number; timer: Disposable }>();
  private stopped = false;
  private idle: (() => void) | null = null;

  constructor(options: { clock: Clock; log: Log; reconcile: (key: string) => Promise<ReconcileResult> }) {
    this.clock = options.clock;
    this.log = options.log;
    this.reconcile = options.reconcile;
  }

  add(key: string): void {
    if (this.stopped) return;
    if (this.running.has(key)) {
      this.again.add(key);
      return;
    }
    void this.run(key);
  }

  /** Looks again at this time at the latest. */
  addAt(key: string, at: number): void {
    if (this.stopped) return;
    const known = this.timers.get(key);
    if (known !== undefined && known.at <= at) return;
    known?.timer[Symbol.dispose]();
    // Timers hold at most 24.8 days; a later time is looked at early and set again.
    const delay = Math.min(Math.max(0, at - this.clock.now()), 86_400_000);
    const timer = this.clock.setTimer(delay, () => {
      this.timers.delete(key);
      this.add(key);
    });
    this.timers.set(key, { at, timer });
  }

  /** No reconcile starts any more; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const { timer } of this.timers.values()) timer[Symbol.dispose]();
    this.timers.clear();
    if (this.running.size > 0) await new Promise<void>((resolve) => (this.idle = resolve));
  }

  private async run(key: string): Promise<void> {
    this.running.add(key);
    try {
      do {
        this.again.delete(key);
        const { wakeAt } = await this.reconcile(key);
        this.failures.delete(key);
        // Never at once: a decision that names a time that is over must not go round and round.
        if (wakeAt !== undefined && wakeAt !== null)
          this.addAt(key, Math.max(wakeAt, this.clock.now() + SOONEST_MS));
      } while (this.again.has(key) && !this.stopped);
    } catch (error) {
      const failures = (this.failures.get(key) ?? 0) + 1;
      this.failures.set(key, failures);
      const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 20));
      // A conflict is an ordinary race with another writer: read again and decide anew.
      const level = failures > 5 ? 'error' : 'debug';
      this.log[level]('reconcile failed, trying again', {
        key,
        failures,
        retryInMs: delay,
        reason: messageOf(error),
        error,
      });
      this.addAt(key, this.clock.now() + delay);
    } finally {
      this.running.delete(key);
      this.again.delete(key);
      if (this.running.size === 0) this.idle?.();
    }
  }
}
