import type { ClientConnection } from './client-connection.ts';
import type { VersionCounter } from './counts.ts';
import type { OwnAnswer } from './http/own-answer.ts';
import { Refusal } from './http/refusal.ts';
import type { RequestHead } from './http/request-head.ts';
import { upstreamHead } from './http/upstream-head.ts';
import type { Plane } from './plane.ts';
import { RequestRelay } from './request-relay.ts';
import { type ResponseOwner, ResponseRelay, type ResponseTerms } from './response-relay.ts';
import type { FailureCause } from './table.ts';
import { type Nobody, resolveTarget, Target } from './target.ts';
import { Tunnel } from './tunnel.ts';
import type { Upstream } from './upstream.ts';
import type { ConnectionUser, UpstreamConnection } from './upstream-connection.ts';

const CAUSE_ANSWER: Readonly<Record<FailureCause, OwnAnswer>> = {
  refused: {
    status: 502,
    text: 'no instance of this version accepts connections',
  },
  reset: {
    status: 502,
    text: 'the instance ended the connection without an answer',
  },
  cut: {
    status: 502,
    text: 'the instance ended the connection within its answer',
  },
  noBackend: { status: 503, text: 'no instance serves' },
  timeout: { status: 504, text: 'the instance did not answer in time' },
};

/**
 * One request from its head to the last byte of its answer.
 *
 * Connecting → Waiting (request sent, or being sent; no byte of the answer yet) → Answering → Flushing →
 * over; Answering → Tunnel → over. From Connecting a refused connection goes to another instance; from
 * Waiting a stale kept connection goes to a new one where that is safe. Whatever happens, the request is
 * counted exactly once as completed, failed or its client's going away, and leaves its instance once.
 */
export class Exchange implements ConnectionUser, ResponseOwner {
  private readonly plane: Plane;
  private readonly client: ClientConnection;
  private readonly head: RequestHead;
  private readonly relay: RequestRelay;
  private readonly response: ResponseRelay;
  private readonly startedAt: number;
  private readonly target: Target | null;
  private readonly nobody: Nobody | null;
  private counter: VersionCounter | null = null;
  private upstream: Upstream | null = null;
  private connection: UpstreamConnection | null = null;
  private tunnel: Tunnel | null = null;
  private isStream = false;
  private freshOnly = false;
  private connecting = false;
  private clientEnded = false;
  private upstreamPaused = false;
  /** Counted: nothing that comes later changes what this request was. */
  private over = false;
  private phaseSince: number;
  private lastByteAt: number;
  private timedOut = false;

  /** `bytes` and the plane's request lines are those that `head` was parsed from. */
  constructor(plane: Plane, client: ClientConnection, bytes: Buffer, head: RequestHead) {
    this.plane = plane;
    this.client = client;
    this.head = head;
    this.startedAt = plane.clock();
    this.phaseSince = this.startedAt;
    this.lastByteAt = this.startedAt;
    const text = upstreamHead(bytes, head, plane.requestLines, client.forwardedBy);
    this.relay = new RequestRelay(head, text, plane.limits.replayBytes);
    this.response = new ResponseRelay(head, client.socket, plane.responseLines, this);
    const resolved = resolveTarget(plane.table, plane, bytes, head, plane.requestLines);
    this.target = resolved instanceof Target ? resolved : null;
    this.nobody = resolved instanceof Target ? null : resolved;
  }

  /**
   * Takes what came with the head, before anything is sent: a body that is broken already is refused as a
   * whole. Answers the index of the first byte behind it, or the refusal.
   */
  begin(bytes: Buffer, pos: number, end: number): number | Refusal {
    const { next, pause } = this.relay.take(bytes, pos, end);
    if (this.relay.fault !== null) return new Refusal(this.relay.fault);
    if (pause) this.client.pause();
    if (this.nobody === null) this.attempt('noBackend');
    else this.answerFor(this.nobody);
    return next;
  }

  /** The client's bytes during this request; answers the index of the first that belongs to the next one. */
  clientBytes(chunk: Buffer): number {
    this.lastByteAt = this.plane.now;
    if (this.tunnel !== null) {
      if (this.tunnel.clientBytes(chunk)) this.client.pause();
      return chunk.length;
    }
    if (this.relay.done) return 0;
    const { next, pause } = this.relay.take(chunk, 0, chunk.length);
    if (this.relay.fault !== null) {
      this.giveUp(new Refusal(this.relay.fault));
      return chunk.length;
    }
    if (pause) this.client.pause();
    if (this.relay.done) this.phaseSince = this.plane.now;
    return next;
  }

  /**
   * The client's FIN. An ordinary request that is complete still gets its answer (the client may have
   * closed only its sending side); a stream or an incomplete request has lost its client.
   */
  clientEnds(): void {
    if (this.tunnel !== null) {
      this.endTunnel('client', false);
      return;
    }
    this.clientEnded = true;
    if (!this.relay.done || this.isStream) this.clientGone();
  }

  /** The client's connection is gone. */
  clientClosed(): void {
    if (this.tunnel !== null) this.endTunnel('client', true);
    else this.clientGone();
  }

  clientDrained(): void {
    if (!this.upstreamPaused) return;
    this.upstreamPaused = false;
    this.connection?.socket.resume();
  }

  upstreamConnected(): void {
    this.send();
  }

  upstreamBytes(bytes: Buffer, end: number): void {
    this.lastByteAt = this.plane.now;
    if (this.tunnel !== null) {
      if (this.tunnel.upstreamBytes(bytes, 0, end)) this.pauseUpstream();
      return;
    }
    const progress = this.response.take(bytes, end);
    if (progress instanceof Refusal) {
      this.fail('reset');
      return;
    }
    if (progress === 'tunnel') {
      this.openTunnel();
      return;
    }
    if (this.response.fault !== null) {
      this.fail('cut');
      return;
    }
    if (progress === 'headDone' || progress === 'done') this.onHead();
    if (progress === 'done') this.complete();
  }

  upstreamEnded(): void {
    if (this.tunnel !== null) {
      this.endTunnel('upstream', false);
      return;
    }
    const connection = this.connection;
    this.connection = null;
    connection?.close();
    this.connectionLost(null, connection?.reused ?? false);
  }

  upstreamBroke(error: Error | null, connected: boolean): void {
    const reused = this.connection?.reused ?? false;
    this.connection = null;
    if (this.tunnel !== null) {
      this.endTunnel('upstream', true);
      return;
    }
    if (connected) {
      this.connectionLost(error, reused);
      return;
    }
    this.unreachable(this.timedOut ? 'timeout' : 'refused');
  }

  upstreamDrained(): void {
    this.client.resume();
  }

  responseTerms(): ResponseTerms {
    const upstream = this.upstream as Upstream;
    const target = this.target as Target;
    return {
      identity: target.isPreview ? upstream.previewIdentity : upstream.identity,
      sticky: target.setCookie,
      mustClose: !this.head.keepAlive || !this.relay.done || this.plane.stopping,
    };
  }

  pauseUpstream(): void {
    this.upstreamPaused = true;
    this.connection?.socket.pause();
  }

  /** Called every 100 ms: what waits too long ends here. */
  tick(now: number): void {
    if (this.over || this.target === null) return;
    const { connectMs, responseHeadMs, idleMs } = this.target.timeouts;
    if (this.connecting) {
      if (connectMs > 0 && now - this.phaseSince > connectMs) {
        this.timedOut = true;
        this.connection?.socket.destroy();
      }
      return;
    }
    const head = this.response.head;
    if (head === null && this.relay.done) {
      if (responseHeadMs > 0 && now - this.phaseSince > responseHeadMs) this.fail('timeout');
      return;
    }
    if (!this.isStream && this.response.openEnded && now - this.phaseSince > this.plane.limits.openEndedMs) {
      this.becomeStream();
    }
    if (idleMs > 0 && now - this.lastByteAt > idleMs) this.idleTooLong();
  }

  /** Ends it at once, at the router's own end. */
  abort(): void {
    if (!this.over) this.fail('cut');
  }

  private answerFor({ answer, counter, isFailure }: Nobody): void {
    this.over = true;
    counter.begin();
    if (isFailure) counter.failed('noBackend');
    else counter.completed(answer.status, 0);
    this.client.answerOwn(answer, this.head, this.relay.done);
  }

  private attempt(causeIfNone: FailureCause): void {
    const target = this.target as Target;
    const upstream = target.next(this.plane.now);
    this.count(target.pool.counter);
    if (upstream === null) {
      this.fail(causeIfNone);
      return;
    }
    this.upstream = upstream;
    upstream.enter();
    const { unsafeReuseMs, upstreamIdleMs } = this.plane.limits;
    const maxIdle = this.freshOnly ? -1 : this.relay.idempotent ? upstreamIdleMs : unsafeReuseMs;
    const { connection, ready } = upstream.connection(this, maxIdle, this.plane.now);
    this.connection = connection;
    this.connecting = !ready;
    if (ready) this.send();
  }

  private count(counter: VersionCounter): void {
    if (counter === this.counter) return;
    this.counter?.moveAway();
    this.counter = counter;
    counter.begin();
  }

  private send(): void {
    this.connecting = false;
    this.phaseSince = this.plane.now;
    if (this.connection === null) return;
    if (this.relay.sendOn(this.connection.socket)) this.client.pause();
    else this.client.resume();
  }

  /** Nothing was sent: another instance may have it, and after those another weighted version. */
  private unreachable(cause: 'refused' | 'timeout'): void {
    const upstream = this.upstream as Upstream;
    upstream.avoidUntil = this.plane.clock() + this.plane.limits.avoidMs;
    this.target?.exclude(upstream);
    this.timedOut = false;
    this.leaveUpstream(null);
    this.phaseSince = this.plane.now;
    this.attempt(cause);
  }

  private connectionLost(error: Error | null, reused: boolean): void {
    if (this.over) return;
    if (this.response.head === null) {
      // A kept connection that ends before any answer was closed while the request was on its way.
      if (reused && !this.response.begun && this.relay.replayable) {
        this.leaveUpstream(null);
        this.freshOnly = true;
        this.attempt('reset');
        return;
      }
      this.fail('reset');
      return;
    }
    if (error === null && this.response.endOfStream()) {
      this.complete();
      return;
    }
    this.fail('cut');
  }

  private onHead(): void {
    this.phaseSince = this.plane.now;
    if (this.response.head?.eventStream) this.becomeStream();
  }

  private becomeStream(): void {
    if (this.isStream || this.upstream === null) return;
    this.isStream = true;
    this.upstream.enterStream();
    if (this.clientEnded) this.clientGone();
  }

  private openTunnel(): void {
    const connection = this.connection as UpstreamConnection;
    this.becomeStream();
    if (this.over) return;
    this.tunnel = new Tunnel(this.client.socket, connection.socket, this.head.upgrade ?? '');
    const { tunnelBytes } = this.response;
    if (tunnelBytes.length > 0 && this.tunnel.upstreamBytes(tunnelBytes, 0, tunnelBytes.length))
      this.pauseUpstream();
    const early = this.client.takePending();
    if (early !== null && this.tunnel.clientBytes(early)) this.client.pause();
    else this.client.resume();
  }

  private endTunnel(side: 'client' | 'upstream', broke: boolean): void {
    if (this.over) return;
    const end = (this.tunnel as Tunnel).endBy(side, broke);
    if (end === 'cut') {
      this.fail('cut');
      return;
    }
    if (end === 'clientGone') {
      this.clientGone();
      return;
    }
    this.over = true;
    this.counter?.completed(101, null);
    this.leaveUpstream(null);
    this.client.exchangeDone(false);
  }

  private idleTooLong(): void {
    // Whoever does not take or send bytes is who holds it up.
    const clientHolds =
      this.upstream === null || this.upstreamPaused || (!this.relay.done && !this.client.isPaused);
    if (!clientHolds) {
      this.fail('timeout');
      return;
    }
    this.giveUp(new Refusal('bodyTimeout', 408));
  }

  /** The answer is complete on our side: the instance is free, the client gets the rest of the queue. */
  private complete(): void {
    if (this.over) return;
    const status = this.response.head?.status ?? 0;
    const connection = this.connection;
    const keep = this.response.head?.reusable === true && this.relay.done && !this.response.surplus;
    this.leaveUpstream(keep ? connection : null);
    if (this.client.socket.writableLength === 0) this.finish(status);
    else this.client.socket.write('', () => this.finish(status));
  }

  private finish(status: number): void {
    if (this.over || this.client.socket.destroyed) return;
    this.over = true;
    this.counter?.completed(status, this.isStream ? null : this.plane.clock() - this.startedAt);
    this.client.exchangeDone(!this.response.closes);
  }

  private fail(cause: FailureCause): void {
    if (this.over) return;
    this.over = true;
    this.counter?.failed(cause);
    this.upstream?.failed(cause);
    this.leaveUpstream(null);
    if (this.response.head === null) this.client.answerOwn(CAUSE_ANSWER[cause], this.head, this.relay.done);
    else this.client.cut(this.response.head.framing === 'close');
  }

  /** The client did not do its part: no failure of ours. */
  private giveUp(refusal: Refusal): void {
    const answered = this.response.head !== null;
    this.countGone();
    if (answered) this.client.cut(false);
    else this.client.refuse(refusal);
  }

  private clientGone(): void {
    if (this.over) return;
    this.countGone();
    this.client.exchangeAbandoned();
  }

  private countGone(): void {
    this.over = true;
    this.counter?.clientGone();
    this.leaveUpstream(null);
  }

  /** Leaves the instance; `keep` goes back to its pool, any other connection is closed. */
  private leaveUpstream(keep: UpstreamConnection | null): void {
    const { upstream, connection } = this;
    this.upstream = null;
    this.connection = null;
    if (keep !== null) keep.upstream.release(keep, this.plane.now);
    else connection?.close();
    upstream?.leave(this.isStream);
  }
}
