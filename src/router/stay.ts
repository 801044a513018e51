import type { FailureCause } from './table.ts';
import type { Upstream } from './upstream.ts';
import type { ConnectionUser, UpstreamConnection } from './upstream-connection.ts';

/**
 * One request's stay at one instance: counted there from the choice of the instance, and left exactly
 * once. The connection may be gone before the stay is over.
 */
export class Stay {
  readonly upstream: Upstream;
  connection: UpstreamConnection | null;
  /** Whether the connection was kept from an earlier request and is ready; else it is on its way. */
  readonly isReady: boolean;
  /** Counted apart from ordinary requests: see BackendLoad. */
  isStream = false;
  private isPaused = false;

  /** @param maxIdleMs how long the connection may have been idle; below 0 takes a new one */
  constructor(upstream: Upstream, user: ConnectionUser, maxIdleMs: number, now: number) {
    this.upstream = upstream;
    upstream.enter();
    const { connection, ready } = upstream.connection(user, maxIdleMs, now);
    this.connection = connection;
    this.isReady = ready;
  }

  /** Whether the instance is held back, since its answer is not taken as fast as it comes. */
  get isHeldBack(): boolean {
    return this.isPaused;
  }

  holdBack(): void {
    this.isPaused = true;
    this.connection?.socket.pause();
  }

  goOn(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.connection?.socket.resume();
  }

  becomeStream(): void {
    if (this.isStream) return;
    this.isStream = true;
    this.upstream.enterStream();
  }

  /** The connection ended or broke by itself. Answers whether it had carried requests before. */
  lostConnection(): boolean {
    const { connection } = this;
    this.connection = null;
    connection?.close();
    return connection?.reused ?? false;
  }

  failed(cause: FailureCause): void {
    this.upstream.failed(cause);
  }

  /** Over. A connection that is good for another request goes back to its pool; any other is closed. */
  leave(options: { keepConnection: boolean; now: number }): void {
    const { connection } = this;
    this.connection = null;
    if (connection !== null) {
      if (options.keepConnection) this.upstream.release(connection, options.now);
      else connection.close();
    }
    this.upstream.leave(this.isStream);
  }
}
