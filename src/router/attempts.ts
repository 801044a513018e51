import type { Plane } from './plane.ts';
import { Stay } from './stay.ts';
import type { FailureCause } from './table.ts';
import type { Target } from './target.ts';
import type { ConnectionUser } from './upstream-connection.ts';

/** The instances that one request is tried on, one after the other: one stay at a time. */
export class Attempts {
  readonly target: Target;
  stay: Stay | null = null;
  /** The connection to the instance is on its way, so nothing was sent. */
  isConnecting = false;
  private readonly plane: Plane;
  private readonly user: ConnectionUser;
  private timedOut = false;
  private freshConnectionOnly = false;

  constructor(target: Target, plane: Plane, user: ConnectionUser) {
    this.target = target;
    this.plane = plane;
    this.user = user;
  }

  /**
   * Chooses the next instance; `booked` hears under which version the request counts from now on. Answers
   * null when no instance is left, else whether its connection is ready.
   */
  next(replayable: boolean, booked: (target: Target) => void): boolean | null {
    const { plane, target } = this;
    const upstream = target.next(plane.now);
    booked(target);
    if (upstream === null) return null;
    const { unsafeReuseMs, upstreamIdleMs } = plane.limits;
    const reuseMs = replayable ? upstreamIdleMs : unsafeReuseMs;
    this.stay = new Stay(upstream, this.user, this.freshConnectionOnly ? -1 : reuseMs, plane.now);
    this.isConnecting = !this.stay.isReady;
    return this.stay.isReady;
  }

  /** The connect took too long: it breaks off, and what follows is that of an unreachable instance. */
  connectTimedOut(): void {
    this.timedOut = true;
    this.stay?.connection?.socket.destroy();
  }

  /** Leaves an instance that took no connection, and does not ask it again. Answers why; null after the end. */
  unreachable(): FailureCause | null {
    if (this.stay === null) return null;
    const { upstream } = this.stay;
    const cause = this.timedOut ? 'timeout' : 'refused';
    upstream.avoidUntil = this.plane.clock() + this.plane.limits.avoidMs;
    this.target.exclude(upstream);
    this.timedOut = false;
    this.leave(false);
    return cause;
  }

  /** The kept connection was closed while the request was on its way: the next one is a new connection. */
  stale(): void {
    this.leave(false);
    this.freshConnectionOnly = true;
  }

  leave(keepConnection: boolean): void {
    const { stay } = this;
    this.stay = null;
    stay?.leave({ keepConnection, now: this.plane.now });
  }
}
