import { Booking } from './booking.ts';
import type { ClientConnection } from './client-connection.ts';
import type { OwnAnswer } from './http/own-answer.ts';
import { Refusal } from './http/refusal.ts';
import type { RequestHead } from './http/request-head.ts';
import { upstreamHead } from './http/upstream-head.ts';
import type { Plane } from './plane.ts';
import { RequestRelay } from './request-relay.ts';
import { type ResponseOwner, ResponseRelay, type ResponseTerms } from './response-relay.ts';
import { Stay } from './stay.ts';
import type { FailureCause } from './table.ts';
import { type Nobody, resolveTarget, Target } from './target.ts';
import { Tunnel } from './tunnel.ts';
import type { ConnectionUser } from './upstream-connection.ts';

const CAUSE_ANSWER: Readonly<Record<FailureCause, OwnAnswer>> = {
  refused: { status: 502, text: 'no instance of this version accepts connections' },
  reset: { status: 502, text: 'the instance ended the connection without an answer' },
  cut: { status: 502, text: 'the instance ended the connection within its answer' },
  noBackend: { status: 503, text: 'no instance serves' },
  timeout: { status: 504, text: 'the instance did not answer in time' },
};

/**
 * One request from its head to the last byte of its answer.
 *
 * connecting → waiting (the request is sent, or being sent; no byte of the answer yet) → answering →
 * flushing → over; waiting → tunnel → over. From connecting, a refused connection leads to another
 * instance; from waiting, a stale kept connection leads to a new one where that is safe.
 */
export class Exchange implements ConnectionUser, ResponseOwner {
  private readonly plane: Plane;
  private readonly client: ClientConnection;
  private readonly head: RequestHead;
  private readonly relay: RequestRelay;
  private readonly response: ResponseRelay;
  private readonly target: Target | Nobody;
  private readonly booking = new Booking();
  private stay: Stay | null = null;
  private tunnel: Tunnel | null = null;
  private isConnecting = false;
  private connectTimedOut = false;
  private freshConnectionOnly = false;
  private clientEnded = false;
  private readonly startedAt: number;
  /** Start of what is being waited for: the connection, the answer's head, its end. */
  private phaseSince: number;
  private lastByteAt: number;

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
    this.target = resolveTarget(plane.table, plane, bytes, head, plane.requestLines);
  }

  /**
   * Takes what came with the head, before anything is sent: a body that is broken already is refused as a
   * whole. Answers the index of the first byte behind it, or the refusal.
   */
  begin(bytes: Buffer, pos: number, end: number): number | Refusal {
    const next = this.relay.take(bytes, pos, end);
    if (this.relay.fault !== null) return new Refusal(this.relay.fault);
    if (this.relay.isFull) this.client.pause();
    if (this.target instanceof Target) this.attempt(this.target, 'noBackend');
    else this.answerFor(this.target);
    return next;
  }

  /**
   * The client's bytes during this request, valid during the call only; answers the index of the first
   * that belongs to the next one.
   */
  clientBytes(bytes: Buffer, end: number): number {
    this.lastByteAt = this.plane.now;
    if (this.tunnel !== null) {
      if (this.tunnel.clientBytes(bytes, 0, end)) this.client.pause();
      return end;
    }
    if (this.relay.done) return 0;
    const next = this.relay.take(bytes, 0, end);
    if (this.relay.fault !== null) {
      this.giveUp(new Refusal(this.relay.fault));
      return end;
    }
    if (this.relay.isFull) this.client.pause();
    if (this.relay.done) this.phaseSince = this.plane.clock();
    return next;
  }

  /**
   * The client's FIN. An ordinary request that is complete still gets its answer (the client may have
   * closed only its sending side); a stream or an incomplete request has lost its client.
   */
  clientEnds(): void {
    this.clientEnded = true;
    if (this.tunnel !== null) this.endTunnel('client', false);
    else if (!this.relay.done || this.stay?.isStream) this.clientGone();
  }

  /** The client's connection is gone. */
  clientClosed(): void {
    if (this.tunnel !== null) this.endTunnel('client', true);
    else this.clientGone();
  }

  clientDrained(): void {
    this.stay?.goOn();
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
    if (this.response.fault !== null) {
      this.fail('cut');
      return;
    }
    if (progress === 'more') return;
    this.phaseSince = this.plane.now;
    if (progress === 'tunnel') this.openTunnel();
    else if (this.response.head?.eventStream) this.becomeStream();
    if (progress === 'done') this.complete();
  }

  upstreamEnded(): void {
    if (this.tunnel !== null) this.endTunnel('upstream', false);
    else this.connectionLost(null, this.stay?.lostConnection() ?? false);
  }

  upstreamBroke(error: Error | null, connected: boolean): void {
    const reused = this.stay?.lostConnection() ?? false;
    if (this.tunnel !== null) this.endTunnel('upstream', true);
    else if (connected) this.connectionLost(error, reused);
    else this.unreachable(this.connectTimedOut ? 'timeout' : 'refused');
  }

  upstreamDrained(): void {
    this.client.resume();
  }

  responseTerms(): ResponseTerms {
    const { upstream } = this.stay as Stay;
    const target = this.target as Target;
    return {
      identity: target.isPreview ? upstream.previewIdentity : upstream.identity,
      sticky: target.setCookie,
      mustClose: !this.head.keepAlive || !this.relay.done || this.plane.stopping,
    };
  }

  pauseUpstream(): void {
    this.stay?.holdBack();
  }

  /** Called every 100 ms: what waits too long ends here. */
  tick(now: number): void {
    if (this.booking.isOver || !(this.target instanceof Target)) return;
    const { connectMs, responseHeadMs, idleMs } = this.target.timeouts;
    const waited = now - this.phaseSince;
    if (this.isConnecting) {
      if (connectMs === 0 || waited <= connectMs) return;
      this.connectTimedOut = true;
      this.stay?.connection?.socket.destroy();
    } else if (this.response.head === null && this.relay.done) {
      if (responseHeadMs > 0 && waited > responseHeadMs) this.fail('timeout');
    } else {
      if (this.response.openEnded && waited > this.plane.limits.openEndedMs) this.becomeStream();
      if (idleMs > 0 && now - this.lastByteAt > idleMs) this.idleTooLong();
    }
  }

  /** Ends it at once, at the router's own end. */
  abort(): void {
    this.fail('cut');
  }

  private answerFor({ answer, counter, isFailure }: Nobody): void {
    this.booking.under(counter);
    if (isFailure) this.booking.failed('noBackend');
    else this.booking.completed(answer.status, 0);
    this.client.answerOwn(answer, this.head, this.relay.done);
  }

  /** @param causeIfNone why the request fails when there is no instance left to try */
  private attempt(target: Target, causeIfNone: FailureCause): void {
    this.phaseSince = this.plane.clock();
    const upstream = target.next(this.plane.now);
    this.booking.under(target.pool.counter);
    if (upstream === null) {
      this.fail(causeIfNone);
      return;
    }
    const { unsafeReuseMs, upstreamIdleMs } = this.plane.limits;
    const reuseMs = this.relay.replayable ? upstreamIdleMs : unsafeReuseMs;
    this.stay = new Stay(upstream, this, this.freshConnectionOnly ? -1 : reuseMs, this.plane.now);
    this.isConnecting = !this.stay.isReady;
    if (this.stay.isReady) this.send();
  }

  private send(): void {
    this.isConnecting = false;
    const connection = this.stay?.connection;
    if (!connection) return;
    this.phaseSince = this.plane.now;
    this.relay.sendOn(connection.socket);
    if (this.relay.isFull) this.client.pause();
    else this.client.resume();
  }

  /** Nothing was sent: another instance may have it, and after those another weighted version. */
  private unreachable(cause: 'refused' | 'timeout'): void {
    const { stay, target } = this;
    if (stay === null || !(target instanceof Target)) return;
    stay.upstream.avoidUntil = this.plane.clock() + this.plane.limits.avoidMs;
    target.exclude(stay.upstream);
    this.connectTimedOut = false;
    this.leave(false);
    this.attempt(target, cause);
  }

  private connectionLost(error: Error | null, reused: boolean): void {
    if (this.booking.isOver || !(this.target instanceof Target)) return;
    if (this.response.head !== null) {
      if (error === null && this.response.endOfStream()) this.complete();
      else this.fail('cut');
      return;
    }
    // A kept connection that ends before any answer was closed while the request was on its way.
    if (!reused || this.response.begun || !this.relay.replayable) {
      this.fail('reset');
      return;
    }
    this.leave(false);
    this.freshConnectionOnly = true;
    this.attempt(this.target, 'reset');
  }

  private becomeStream(): void {
    this.stay?.becomeStream();
    if (this.clientEnded) this.clientGone();
  }

  private openTunnel(): void {
    this.becomeStream();
    const upstream = this.stay?.connection?.socket;
    if (this.booking.isOver || upstream === undefined) return;
    this.tunnel = new Tunnel(this.client.socket, upstream, this.head.upgrade ?? '');
    const { tunnelBytes } = this.response;
    if (tunnelBytes.length > 0 && this.tunnel.upstreamBytes(tunnelBytes, 0, tunnelBytes.length)) {
      this.pauseUpstream();
    }
    const early = this.client.takePending();
    if (early !== null && this.tunnel.clientBytes(early, 0, early.length)) this.client.pause();
    else this.client.resume();
  }

  private endTunnel(side: 'client' | 'upstream', broke: boolean): void {
    const end = (this.tunnel as Tunnel).endBy(side, broke);
    if (end === 'cut') this.fail('cut');
    else if (end === 'clientGone') this.clientGone();
    else if (this.booking.completed(101, null)) {
      this.leave(false);
      this.client.exchangeDone(false);
    }
  }

  private idleTooLong(): void {
    // Whoever does not take or send bytes is who holds it up.
    const clientTakesNothing = this.stay === null || this.stay.isHeldBack;
    const clientSendsNothing = !this.relay.done && !this.client.isPaused;
    if (clientTakesNothing || clientSendsNothing) this.giveUp(new Refusal('bodyTimeout', 408));
    else this.fail('timeout');
  }

  /** The answer is complete on our side: the instance is free, the client gets the rest of the queue. */
  private complete(): void {
    const { head, surplus } = this.response;
    if (this.booking.isOver || head === null) return;
    const isStream = this.stay?.isStream ?? false;
    this.leave(head.reusable && this.relay.done && !surplus);
    const { socket } = this.client;
    if (socket.writableLength === 0) this.finish(head.status, isStream);
    else socket.write('', () => this.finish(head.status, isStream));
  }

  private finish(status: number, isStream: boolean): void {
    // A client that went away before the last byte is told by its 'close'.
    if (this.client.socket.destroyed) return;
    const latencyMs = isStream ? null : this.plane.clock() - this.startedAt;
    if (this.booking.completed(status, latencyMs)) this.client.exchangeDone(!this.response.closes);
  }

  private fail(cause: FailureCause): void {
    if (!this.booking.failed(cause)) return;
    this.stay?.failed(cause);
    this.leave(false);
    const { head } = this.response;
    if (head === null) this.client.answerOwn(CAUSE_ANSWER[cause], this.head, this.relay.done);
    else this.client.cut(head.framing === 'close');
  }

  /** The client did not do its part: no failure of ours. */
  private giveUp(refusal: Refusal): void {
    if (!this.booking.clientGone()) return;
    this.leave(false);
    if (this.response.head === null) this.client.refuse(refusal);
    else this.client.cut(false);
  }

  private clientGone(): void {
    if (!this.booking.clientGone()) return;
    this.leave(false);
    this.client.exchangeAbandoned();
  }

  private leave(keepConnection: boolean): void {
    const { stay } = this;
    this.stay = null;
    stay?.leave({ keepConnection, now: this.plane.now });
  }
}
