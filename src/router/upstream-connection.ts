import { connect, type Socket } from 'node:net';
import { READ_BUFFER } from './shared-bytes.ts';
import type { Upstream } from './upstream.ts';

/** Who has an upstream connection at the moment: one request, from its choice to its last byte. */
export interface ConnectionUser {
  upstreamConnected(): void;
  /** `bytes[0, end)` are valid during the call only. */
  upstreamBytes(bytes: Buffer, end: number): void;
  /** The instance sent its FIN: nothing more comes. */
  upstreamEnded(): void;
  /** The connection is gone without a FIN, or could not be made; `connected` says which. */
  upstreamBroke(error: Error | null, connected: boolean): void;
  upstreamDrained(): void;
  /** The instance's process is gone; what it wrote may still be on its way. */
  instanceEnded(): void;
}

/** One TCP connection to an instance. Without a user it is idle, and anything but silence ends it. */
export class UpstreamConnection {
  readonly upstream: Upstream;
  readonly socket: Socket;
  /** Whether it carried a request before the present one: then it may turn out to be stale. */
  reused = false;
  /** Monotonic milliseconds. */
  idleSince = 0;
  private user: ConnectionUser | null;
  private connected = false;
  private error: Error | null = null;

  constructor(upstream: Upstream, user: ConnectionUser) {
    this.upstream = upstream;
    this.user = user;
    const onread = {
      buffer: READ_BUFFER,
      callback: (length: number): boolean => {
        this.read(length);
        return true;
      },
    };
    const { host, port } = upstream.backend;
    this.socket = connect({
      host,
      port,
      noDelay: true,
      allowHalfOpen: true,
      onread,
    });
    this.socket.on('connect', () => {
      this.connected = true;
      this.user?.upstreamConnected();
    });
    this.socket.on('end', () => (this.user === null ? this.close() : this.user.upstreamEnded()));
    this.socket.on('drain', () => this.user?.upstreamDrained());
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.socket.on('close', () => {
      upstream.closed(this);
      const user = this.user;
      this.user = null;
      user?.upstreamBroke(this.error, this.connected);
    });
  }

  get isIdle(): boolean {
    return this.user === null;
  }

  assign(user: ConnectionUser): void {
    this.user = user;
    this.reused = true;
  }

  instanceEnded(): void {
    if (this.user === null) this.close();
    else this.user.instanceEnded();
  }

  /** Takes the connection from its user, who hears nothing more of it. */
  detach(): void {
    this.user = null;
  }

  /** Ends it now. The upstream forgets it at once, lest it be chosen before its 'close' event comes. */
  close(): void {
    this.user = null;
    this.upstream.closed(this);
    this.socket.destroy();
  }

  private read(length: number): void {
    // An instance that speaks unasked (a late 408, a second answer) has lost count of its answers.
    if (this.user === null) this.close();
    else this.user.upstreamBytes(READ_BUFFER, length);
  }
}
