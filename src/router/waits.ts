import type { RouteTimeouts } from './table.ts';

/** What a request is waiting for when it is looked at. */
export type Waiting = 'connection' | 'responseHead' | 'bytes';

/** What took too long. */
export type Overdue = 'connection' | 'responseHead' | 'idle';

/** How long one request has waited for what; all times in ms of the plane's clock. */
export class Waits {
  readonly startedAt: number;
  /** Start of what is being waited for: the connection, the answer's head, its end. */
  private phaseSince: number;
  private lastByteAt: number;

  constructor(now: number) {
    this.startedAt = now;
    this.phaseSince = now;
    this.lastByteAt = now;
  }

  /** The next thing is waited for. */
  phase(now: number): void {
    this.phaseSince = now;
  }

  byte(now: number): void {
    this.lastByteAt = now;
  }

  inPhase(now: number): number {
    return now - this.phaseSince;
  }

  /** A timeout of 0 is none. */
  overdue(waiting: Waiting, timeouts: RouteTimeouts, now: number): Overdue | null {
    const { connectMs, responseHeadMs, idleMs } = timeouts;
    if (waiting === 'connection') return connectMs > 0 && this.inPhase(now) > connectMs ? 'connection' : null;
    if (waiting === 'responseHead') {
      return responseHeadMs > 0 && this.inPhase(now) > responseHeadMs ? 'responseHead' : null;
    }
    return idleMs > 0 && now - this.lastByteAt > idleMs ? 'idle' : null;
  }
}
