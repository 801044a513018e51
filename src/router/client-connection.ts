import type { Socket } from 'node:net';
import { readingSocket } from './client-socket.ts';
import { Exchange } from './exchange.ts';
import { CR, LF } from './http/characters.ts';
import { BROKEN, findHeadEnd, INCOMPLETE } from './http/head-end.ts';
import { type OwnAnswer, ownAnswer } from './http/own-answer.ts';
import { REFUSAL_TEXT, Refusal } from './http/refusal.ts';
import { MAX_HEAD_BYTES, parseRequestHead, type RequestHead } from './http/request-head.ts';
import type { ForwardedBy } from './http/upstream-head.ts';
import type { Plane } from './plane.ts';

/** Bytes of requests to come that are kept while one is being answered. */
const MAX_PENDING_BYTES = 64 * 1024;

/**
 * One client's connection: its requests one after the other, in their order.
 *
 * idle → head (some bytes of one came) → busy (an Exchange has it) → idle … → closing (last answer
 * written; what still comes is read and thrown away, so that no reset overtakes the answer) → closed.
 */
export class ClientConnection {
  readonly socket: Socket;
  readonly forwardedBy: ForwardedBy;
  isPaused = false;
  private readonly plane: Plane;
  private pending: Buffer | null = null;
  private exchange: Exchange | null = null;
  private parsing = false;
  private closing = false;
  private inputEnded = false;
  /** Start of the present wait: for a head, for the next request, for the end. */
  private since: number;

  constructor(plane: Plane, accepted: Socket, onClosed: (connection: ClientConnection) => void) {
    this.plane = plane;
    const socket = readingSocket(accepted, (bytes, end) => this.read(bytes, end));
    this.socket = socket;
    this.since = plane.clock();
    const address = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
    this.forwardedBy = {
      address,
      proto: plane.proto,
      trusted: plane.trustForwarded,
    };
    socket.on('end', () => this.inputEnds());
    socket.on('drain', () => this.exchange?.clientDrained());
    // Every error is followed by 'close', which is where a client's going away is dealt with.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      onClosed(this);
      const { exchange } = this;
      this.exchange = null;
      this.closing = true;
      exchange?.clientClosed();
    });
  }

  get isIdle(): boolean {
    return this.exchange === null && !this.closing;
  }

  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.socket.resume();
  }

  /** What came behind the request being answered, for a tunnel. */
  takePending(): Buffer | null {
    const { pending } = this;
    this.pending = null;
    return pending;
  }

  /** The router's own answer to the present request, which thereby is over. */
  answerOwn(answer: OwnAnswer, head: RequestHead, requestDone: boolean): void {
    const close = !head.keepAlive || !requestDone || this.plane.stopping;
    if (this.socket.writable) {
      this.socket.write(ownAnswer(answer, { close, head: head.method === 'HEAD' }), 'latin1');
    }
    this.exchangeDone(!close);
  }

  /** Refuses what came, in words, and ends the connection: after this nothing on it can be trusted. */
  refuse(refusal: Refusal): void {
    this.plane.malformed(refusal.reason);
    if (this.socket.writable) {
      const answer = {
        status: refusal.status,
        text: REFUSAL_TEXT[refusal.reason],
      };
      this.socket.write(ownAnswer(answer, { close: true, head: false }), 'latin1');
    }
    this.exchangeDone(false);
  }

  /** The answer broke off: the connection must not end as if it were complete. */
  cut(endsByClose: boolean): void {
    this.exchange = null;
    this.closing = true;
    // Where the end of the connection is the end of the answer, only a reset tells that it is none.
    if (endsByClose) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  /** The request is over, and its answer written. */
  exchangeDone(keep: boolean): void {
    this.exchange = null;
    this.since = this.plane.now;
    if (!keep || this.plane.stopping || (this.inputEnded && this.pending === null)) {
      this.close();
      return;
    }
    this.resume();
    if (this.parsing || this.pending === null) return;
    const input = this.takePending() as Buffer;
    this.parse(input, input.length, 0);
  }

  /** The client went away within its request. */
  exchangeAbandoned(): void {
    this.exchange = null;
    this.close();
    if (this.inputEnded) this.socket.destroy();
  }

  /** Ends the connection once what was written is sent. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    this.pending = null;
    this.since = this.plane.now;
    this.resume();
    this.socket.end();
    if (this.inputEnded) this.socket.destroySoon();
  }

  /** At the router's end: whatever is inside is over. */
  destroy(): void {
    this.exchange?.abort();
    this.socket.destroy();
  }

  /** Called every 100 ms. */
  tick(now: number): void {
    const { headMs, clientIdleMs, lingerMs } = this.plane.limits;
    const waited = now - this.since;
    if (this.closing) {
      if (waited > lingerMs && this.socket.writableLength === 0) this.socket.destroy();
      else if (waited > lingerMs + clientIdleMs) this.socket.destroy();
    } else if (this.exchange !== null) {
      this.exchange.tick(now);
    } else if (this.pending !== null) {
      if (waited > headMs) this.refuse(new Refusal('headTimeout', 408));
    } else if (waited > clientIdleMs) {
      this.close();
    }
  }

  /** `bytes[0, end)` are valid during the call only. */
  private read(bytes: Buffer, end: number): void {
    if (this.closing) return;
    if (this.exchange !== null) {
      const next = this.exchange.clientBytes(bytes, end);
      if (next < end && !this.closing) this.keep(bytes, next, end);
      return;
    }
    if (this.pending === null) {
      this.since = this.plane.now;
      this.parse(bytes, end, 0);
      return;
    }
    const searched = this.pending.length;
    const input = Buffer.concat([this.takePending() as Buffer, bytes.subarray(0, end)]);
    this.parse(input, input.length, searched);
  }

  /** Starts the requests whose heads are in `input[0, end)`, as long as the one before is over at once. */
  private parse(input: Buffer, end: number, searchedBefore: number): void {
    this.parsing = true;
    let searched = searchedBefore;
    let pos = 0;
    while (this.exchange === null && !this.closing && pos < end) {
      const next = this.startRequest(input, pos, end, searched);
      if (next === INCOMPLETE) break;
      pos = next;
      searched = pos;
    }
    this.parsing = false;
    if (pos < end && !this.closing) this.keep(input, pos, end);
  }

  private startRequest(input: Buffer, start: number, inputEnd: number, searched: number): number {
    // One empty line before a request is skipped (RFC 9112 section 2.2): old clients send it after a body.
    const pos = input[start] === CR && input[start + 1] === LF ? start + 2 : start;
    const end = findHeadEnd(input, pos, inputEnd, Math.max(pos, searched));
    if (end === BROKEN) this.refuse(new Refusal('badLineEnd'));
    else if (end === INCOMPLETE) {
      if (inputEnd - pos > MAX_HEAD_BYTES) this.refuse(new Refusal('headTooLarge', 431));
    } else {
      const head = parseRequestHead(input, pos, end, this.plane.requestLines);
      if (!(head instanceof Refusal)) return this.startExchange(input, head, end, inputEnd);
      this.refuse(head);
    }
    return INCOMPLETE;
  }

  private startExchange(input: Buffer, head: RequestHead, bodyStart: number, inputEnd: number): number {
    const exchange = new Exchange(this.plane, this, input, head);
    this.exchange = exchange;
    const next = exchange.begin(input, bodyStart, inputEnd);
    if (!(next instanceof Refusal)) return next;
    this.refuse(next);
    return INCOMPLETE;
  }

  private keep(bytes: Buffer, from: number, to: number): void {
    const part = bytes.subarray(from, to);
    this.pending = this.pending === null ? Buffer.from(part) : Buffer.concat([this.pending, part]);
    if (this.exchange !== null && this.pending.length > MAX_PENDING_BYTES) this.pause();
  }

  private inputEnds(): void {
    this.inputEnded = true;
    if (this.exchange !== null) this.exchange.clientEnds();
    else if (this.closing) this.socket.destroySoon();
    else this.close();
  }
}
