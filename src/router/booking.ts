import type { VersionCounter } from './counts.ts';
import type { FailureCause } from './table.ts';

/**
 * One request in the books: begun under one version at a time, ended exactly once, whatever comes later.
 * The ends answer whether this one was the first, so that only the first is acted on.
 */
export class Booking {
  isOver = false;
  private counter: VersionCounter | null = null;

  /** Books the request under a version, and takes it away from the one before. */
  under(counter: VersionCounter): void {
    if (counter === this.counter) return;
    this.counter?.moveAway();
    this.counter = counter;
    counter.begin();
  }

  completed(status: number, latencyMs: number | null): boolean {
    if (!this.end()) return false;
    this.counter?.completed(status, latencyMs);
    return true;
  }

  failed(cause: FailureCause, byItself = false): boolean {
    if (!this.end()) return false;
    this.counter?.failed(cause, byItself);
    return true;
  }

  clientGone(): boolean {
    if (!this.end()) return false;
    this.counter?.clientGone();
    return true;
  }

  private end(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    return true;
  }
}
