import type { Socket } from 'node:net';
import { BodyReader } from './http/body.ts';
import { text } from './http/characters.ts';
import type { RequestHead } from './http/request-head.ts';
import { writeShared } from './shared-bytes.ts';

/** Methods that may be sent twice with the effect of once (RFC 9110 section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']);
/** What nearly every request keeps; shared, and never written to. */
const NOTHING: Buffer[] = [];
/** Up to this size head and body go out as one text, in one system call. */
const TOGETHER_BYTES = 8 * 1024;

/**
 * The request's way to an instance: the head, then the body's bytes as they come. Until a connection is
 * there, and as long as the request may have to be sent again, the bytes are kept (at most
 * `replayBytes`).
 */
export class RequestRelay {
  /** Whether it may be sent a second time when a kept connection turns out to be stale. */
  readonly idempotent: boolean;
  private readonly head: string;
  private readonly body: BodyReader;
  private readonly replayBytes: number;
  /** Whether the client should pause until the instance takes more. */
  isFull = false;
  private kept: Buffer[] | null = NOTHING;
  private keptBytes = 0;
  private socket: Socket | null = null;

  constructor(request: RequestHead, head: string, replayBytes: number) {
    this.head = head;
    this.body = new BodyReader(request.framing, request.length);
    this.idempotent = IDEMPOTENT.has(request.method);
    this.replayBytes = replayBytes;
  }

  get done(): boolean {
    return this.body.done;
  }

  get fault(): BodyReader['fault'] {
    return this.body.fault;
  }

  /** Whether all that was sent is still here to be sent again. */
  get replayable(): boolean {
    return this.idempotent && this.body.done && this.kept !== null;
  }

  /**
   * Takes this request's bytes of `bytes[pos, end)`, valid during the call only, and passes them on,
   * unless their framing is broken. Answers the index of the first byte that belongs to the next request.
   */
  take(bytes: Buffer, pos: number, end: number): number {
    const next = this.body.take(bytes, pos, end);
    if (next === pos || this.body.fault !== null) return next;
    this.keep(bytes, pos, next);
    this.isFull = this.socket === null ? !this.body.done : !writeShared(this.socket, '', bytes, pos, next);
    return next;
  }

  /** Sends the head and what is kept on a connection that is ready. */
  sendOn(socket: Socket): void {
    this.socket = socket;
    const kept = this.kept ?? [];
    let more: boolean;
    if (kept.length === 0) {
      more = socket.write(this.head, 'latin1');
    } else if (kept.length === 1 && this.keptBytes <= TOGETHER_BYTES) {
      const only = kept[0] as Buffer;
      more = socket.write(this.head + text(only, 0, only.length), 'latin1');
    } else {
      socket.cork();
      more = socket.write(this.head, 'latin1');
      for (const part of kept) more = socket.write(part);
      socket.uncork();
    }
    if (!this.idempotent || this.keptBytes > this.replayBytes) this.kept = null;
    this.isFull = !more;
  }

  private keep(bytes: Buffer, from: number, to: number): void {
    if (this.kept === null) return;
    // Before there is a connection everything is kept (the client pauses); after it, only what a replay needs.
    if (this.socket !== null && this.keptBytes + to - from > this.replayBytes) {
      this.kept = null;
      return;
    }
    if (this.kept === NOTHING) this.kept = [];
    this.kept.push(Buffer.from(bytes.subarray(from, to)));
    this.keptBytes += to - from;
  }
}
