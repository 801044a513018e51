import { Attempts } from './attempts.ts';
import { Booking } from './booking.ts';
import type { ClientConnection } from './client-connection.ts';
import { FAILURE_ANSWERS } from './failure-answers.ts';
import { Refusal } from './http/refusal.ts';
import type { RequestHead } from './http/request-head.ts';
import { upstreamHead } from './http/upstream-head.ts';
import type { Plane } from './plane.ts';
import { RequestRelay } from './request-relay.ts';
import { type ResponseOwner, ResponseRelay, type ResponseTerms } from './response-relay.ts';
import type { Stay } from './stay.ts';
import type { FailureCause } from './table.ts';
import { type Nobody, resolveTarget, Target } from './target.ts';
import { Tunnel } from './tunnel.ts';
import type { ConnectionUser } from './upstream-connection.ts';
import { Waits } from './waits.ts';

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
  /** Where nobody is to be asked: what the client is told. */
  private readonly attempts: Attempts | Nobody;
  private readonly booking = new Booking();
  private tunnel: Tunnel | null = null;
  private clientEnded = false;
  private readonly waits: Waits;

  /** `bytes` and the plane's request lines are those that `head` was parsed from. */
  constructor(plane: Plane, client: ClientConnection, bytes: Buffer, head: RequestHead) {
    this.plane = plane;
    this.client = client;
    this.head = head;
    this.waits = new Waits(plane.clock());
    const text = upstreamHead(bytes, head, plane.requestLines, client.forwardedBy);
    this.relay = new RequestRelay(head, text, plane.limits.replayBytes);
    this.response = new ResponseRelay(head, client.socket, plane.responseLines, this);
    const target = resolveTarget(plane.table, plane, bytes, head, plane.requestLines);
    this.attempts = target instanceof Target ? new Attempts(target, plane, this) : target;
  }

  private get isPreview(): boolean {
    return this.attempts instanceof Attempts && this.attempts.target.isPreview;
  }

  private get stay(): Stay | null {
    return this.attempts instanceof Attempts ? this.attempts.stay : null;
  }

  /**
   * Takes what came with the head, before anything is sent: a body that is broken already is refused as a
   * whole. Answers the index of the first byte behind it, or the refusal.
   */
  begin(bytes: Buffer, pos: number, end: number): number | Refusal {
    const next = this.relay.take(bytes, pos, end);
    if (this.relay.fault !== null) return new Refusal(this.relay.fault);
    if (this.relay.isFull) this.client.pause();
    if (this.attempts instanceof Attempts) this.attempt(this.attempts, 'noBackend');
    else this.answerFor(this.attempts);
    return next;
  }

  /**
   * The client's bytes during this request, valid during the call only; answers the index of the first
   * that belongs to the next one.
   */
  clientBytes(bytes: Buffer, end: number): number {
    this.waits.byte(this.plane.now);
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
    if (this.relay.done) this.waits.phase(this.plane.clock());
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
    this.waits.byte(this.plane.now);
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
    this.waits.phase(this.plane.now);
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
    else this.unreachable();
  }

  upstreamDrained(): void {
    this.client.resume();
  }

  instanceEnded(): void {
    this.stay?.goOn();
  }

  responseTerms(): ResponseTerms {
    const { target, stay } = this.attempts as Attempts;
    const { upstream } = stay as Stay;
    return {
      identity: target.isPreview ? upstream.previewIdentity : upstream.identity,
      sticky: target.setCookie,
      mustClose: !this.head.keepAlive || !this.relay.done || this.plane.stopping,
    };
  }

  pauseUpstream(): void {
    const { stay, client, plane } = this;
    const readsOn = stay?.upstream.hasEnded && client.socket.writableLength < plane.limits.readOnBytes;
    if (!readsOn) stay?.holdBack();
  }

  /** Called every 100 ms: what waits too long ends here. */
  tick(now: number): void {
    const { attempts } = this;
    if (this.booking.isOver || !(attempts instanceof Attempts)) return;
    const waitsForHead = this.response.head === null && this.relay.done;
    const waiting = attempts.isConnecting ? 'connection' : waitsForHead ? 'responseHead' : 'bytes';
    if (waiting === 'bytes' && this.response.openEnded) {
      if (this.waits.inPhase(now) > this.plane.limits.openEndedMs) this.becomeStream();
    }
    const overdue = this.waits.overdue(waiting, attempts.target.timeouts, now);
    if (overdue === 'connection') attempts.connectTimedOut();
    else if (overdue === 'responseHead') this.fail('timeout');
    else if (overdue === 'idle') this.idleTooLong();
  }

  /** Ends it at once, at the router's own end. */
  abort(): void {
    this.fail('cut', false);
  }

  private answerFor({ answer, counter, isFailure }: Nobody): void {
    this.booking.under(counter);
    if (isFailure) this.booking.failed('noBackend');
    else this.booking.completed(answer.status, 0);
    this.client.answerOwn(answer, this.head, this.relay.done);
  }

  /** @param causeIfNone why the request fails when there is no instance left to try */
  private attempt(attempts: Attempts, causeIfNone: FailureCause): void {
    this.waits.phase(this.plane.clock());
    const ready = attempts.next(this.relay.replayable, ({ pool }) => this.booking.under(pool.counter));
    if (ready === null) this.fail(causeIfNone);
    else if (ready) this.send();
  }

  private send(): void {
    const { attempts } = this;
    if (!(attempts instanceof Attempts)) return;
    attempts.isConnecting = false;
    const connection = attempts.stay?.connection;
    if (!connection) return;
    this.waits.phase(this.plane.now);
    this.relay.sendOn(connection.socket);
    if (this.relay.isFull) this.client.pause();
    else this.client.resume();
  }

  /** Nothing was sent: another instance may have it, and after those another weighted version. */
  private unreachable(): void {
    const { attempts } = this;
    if (!(attempts instanceof Attempts)) return;
    const cause = attempts.unreachable();
    if (cause !== null) this.attempt(attempts, cause);
  }

  private connectionLost(error: Error | null, reused: boolean): void {
    const { attempts } = this;
    if (this.booking.isOver || !(attempts instanceof Attempts)) return;
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
    attempts.stale();
    this.attempt(attempts, 'reset');
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
    const latencyMs = isStream ? null : this.plane.clock() - this.waits.startedAt;
    if (this.booking.completed(status, latencyMs)) this.client.exchangeDone(!this.response.closes);
  }

  /** @param byInstance false where the router itself ends it */
  private fail(cause: FailureCause, byInstance = true): void {
    const { stay } = this;
    if (!this.booking.failed(cause, byInstance && stay !== null && !stay.upstream.isEnding)) return;
    // A drain asks what became of people's requests: a proof that was called off is nobody's.
    if (stay !== null && !this.isPreview) stay.failed(cause);
    this.leave(false);
    const { head } = this.response;
    if (head === null) this.client.answerOwn(FAILURE_ANSWERS[cause], this.head, this.relay.done);
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
    if (this.attempts instanceof Attempts) this.attempts.leave(keepConnection);
  }
}
