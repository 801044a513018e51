import { noFailures } from './counts.ts';
import type { RouterLimits } from './limits.ts';
import {
  type Backend,
  type BackendLoad,
  type FailureCause,
  INSTANCE_HEADER,
  REVISION_HEADER,
} from './table.ts';
import { type ConnectionUser, UpstreamConnection } from './upstream-connection.ts';

/**
 * The running side of one backend: its connections and what is inside it. It outlives the tables that
 * name it, until the last request that was bound to it is over.
 */
export class Upstream {
  /** As the table in force has it; the last one that it had once no table names it. */
  backend: Backend;
  /** Head lines that name the version, for public answers, and version and instance, for previews. */
  readonly identity: string;
  readonly previewIdentity: string;
  /** Requests and streams between their choice of this instance and their last byte. */
  inside = 0;
  /** Monotonic milliseconds until which it is the last choice, since it refused a connection. */
  avoidUntil = 0;
  /** It is about to be told to end: what breaks from then on is the doing of whoever ends it. */
  isEnding = false;
  /** Its process is gone: what it wrote is read to its end, whether clients keep up or not. */
  hasEnded = false;
  private streams = 0;
  private named = true;
  private readonly limits: RouterLimits;
  private readonly failures = noFailures();
  private readonly connections = new Set<UpstreamConnection>();
  /** The latest used last, so that the surplus grows old and is closed. */
  private readonly idle: UpstreamConnection[] = [];
  private readonly waiting = new Set<() => void>();

  constructor(backend: Backend, limits: RouterLimits) {
    this.backend = backend;
    this.limits = limits;
    this.identity = `${REVISION_HEADER}: ${backend.version}\r\n`;
    this.previewIdentity = `${this.identity}${INSTANCE_HEADER}: ${backend.id}\r\n`;
  }

  /** Takes over what a new table says of this backend; null when it no longer names it. */
  update(backend: Backend | null): void {
    this.named = backend !== null;
    if (backend !== null) this.backend = backend;
    else this.closeIdle();
  }

  /** True when no table names it and nothing is left inside: it can be forgotten. */
  get isOver(): boolean {
    return !this.named && this.inside === 0 && this.connections.size === 0;
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  /** A connection for `user`: a kept one of at most `maxIdleMs` (0: none), or a new one on its way. */
  connection(
    user: ConnectionUser,
    maxIdleMs: number,
    now: number,
  ): { connection: UpstreamConnection; ready: boolean } {
    const kept = this.idle[this.idle.length - 1];
    if (kept !== undefined && now - kept.idleSince <= maxIdleMs) {
      this.idle.pop();
      kept.assign(user);
      return { connection: kept, ready: true };
    }
    const connection = new UpstreamConnection(this, user);
    this.connections.add(connection);
    return { connection, ready: false };
  }

  /** Gives back a connection whose answer is complete, for the next request. */
  release(connection: UpstreamConnection, now: number): void {
    connection.detach();
    if (connection.socket.destroyed) return;
    // Nothing new comes to an instance that is being drained: keeping would only delay its end.
    if (!this.named || this.backend.state === 'draining') {
      connection.close();
      return;
    }
    connection.idleSince = now;
    this.idle.push(connection);
  }

  enter(): void {
    this.inside++;
  }

  enterStream(): void {
    this.streams++;
    this.wake();
  }

  leave(wasStream: boolean): void {
    this.inside--;
    if (wasStream) this.streams--;
    this.wake();
  }

  failed(cause: FailureCause): void {
    this.failures[cause]++;
  }

  load(): BackendLoad {
    return {
      id: this.backend.id,
      requests: this.inside - this.streams,
      streams: this.streams,
      idleConnections: this.idle.length,
      failed: { ...this.failures },
    };
  }

  /** Resolves when no ordinary request (with `streams`, nothing at all) is inside, or after `timeoutMs`. */
  drained(options: { streams: boolean; timeoutMs: number }): Promise<void> {
    const isDrained = (): boolean => (options.streams ? this.inside : this.inside - this.streams) === 0;
    if (isDrained()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(check);
        resolve();
      };
      const check = (): void => {
        if (isDrained()) done();
      };
      const timer = setTimeout(done, options.timeoutMs);
      this.waiting.add(check);
    });
  }

  /** Closes the idle connections; resolves with their number when the last one is closed. */
  async closeIdle(): Promise<number> {
    const closing = this.idle.splice(0);
    await Promise.all(
      closing.map((connection) => {
        if (connection.socket.closed) return Promise.resolve();
        const closed = new Promise<void>((resolve) => connection.socket.once('close', () => resolve()));
        connection.close();
        return closed;
      }),
    );
    return closing.length;
  }

  /** Its process is gone. */
  end(): void {
    this.isEnding = true;
    this.hasEnded = true;
    for (const connection of [...this.connections]) connection.instanceEnded();
  }

  /** Every connection at once, requests inside included. */
  closeAll(): void {
    for (const connection of this.connections) connection.socket.destroy();
  }

  /** Closes idle connections that nobody wanted for too long. */
  tick(now: number): void {
    while (
      this.idle.length > 0 &&
      now - (this.idle[0] as UpstreamConnection).idleSince > this.limits.upstreamIdleMs
    ) {
      (this.idle.shift() as UpstreamConnection).close();
    }
  }

  /** Told by a connection that it is closed. */
  closed(connection: UpstreamConnection): void {
    this.connections.delete(connection);
    const index = this.idle.indexOf(connection);
    if (index !== -1) this.idle.splice(index, 1);
  }

  private wake(): void {
    if (this.waiting.size > 0) for (const check of [...this.waiting]) check();
  }
}
