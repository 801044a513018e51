import type { Socket } from 'node:net';
import { BodyReader } from './http/body.ts';
import { clientHead } from './http/client-head.ts';
import type { FieldLines } from './http/field-lines.ts';
import { BROKEN, findHeadEnd, INCOMPLETE } from './http/head-end.ts';
import { Refusal } from './http/refusal.ts';
import { MAX_HEAD_BYTES, type RequestHead } from './http/request-head.ts';
import { parseResponseHead, type ResponseHead } from './http/response-head.ts';
import { writeShared } from './shared-bytes.ts';

/** How far an answer has come after some of its bytes. */
export type ResponseProgress = 'more' | 'headDone' | 'done' | 'tunnel' | Refusal;

/** What the exchange decides about the head that goes to the client. */
export interface ResponseTerms {
  readonly identity: string;
  readonly sticky: string;
  /** Whether the client's connection ends with this answer, whatever the instance says. */
  readonly mustClose: boolean;
}

/** Who an answer belongs to. */
export interface ResponseOwner {
  responseTerms(): ResponseTerms;
  /** The client's queue is full: read no more from the instance until it drained. */
  pauseUpstream(): void;
}

const NO_BYTES = Buffer.alloc(0);

/**
 * The answer's way to the client: a strict head, then the body's bytes as they come. 100 and 103 pass
 * through to a client of HTTP/1.1. For a client of HTTP/1.0 chunked framing is taken off.
 */
export class ResponseRelay {
  head: ResponseHead | null = null;
  /** True once a byte was received, of a 100 as well: the instance has the request. */
  begun = false;
  /** True when the client's connection has to end after this answer. */
  closes = false;
  /** Bytes came after the end of the answer: the connection has lost count. */
  surplus = false;
  /** What came behind the head of a 101: the tunnel's first bytes. */
  tunnelBytes: Buffer = NO_BYTES;
  private readonly request: RequestHead;
  private readonly client: Socket;
  private readonly lines: FieldLines;
  private readonly owner: ResponseOwner;
  private body: BodyReader | null = null;
  private partial: Buffer | null = null;
  private content: { from: number; to: number }[] | null = null;

  constructor(request: RequestHead, client: Socket, lines: FieldLines, owner: ResponseOwner) {
    this.request = request;
    this.client = client;
    this.lines = lines;
    this.owner = owner;
  }

  /** Whether the answer's end can be told apart from its being cut short, now that the FIN came. */
  endOfStream(): boolean {
    return this.body?.endOfStream() ?? false;
  }

  /** Whether the answer's length was not known at its head. */
  get openEnded(): boolean {
    return this.head?.framing === 'chunked' || this.head?.framing === 'close';
  }

  /** Takes `bytes[0, end)`, valid during the call only, and writes what is for the client. */
  take(bytes: Buffer, end: number): ResponseProgress {
    if (this.body !== null) return this.takeBody('', bytes, 0, end) ? 'done' : 'more';
    this.begun = true;
    let input = bytes;
    let inputEnd = end;
    let searched = 0;
    if (this.partial !== null) {
      searched = this.partial.length;
      input = Buffer.concat([this.partial, bytes.subarray(0, end)]);
      inputEnd = input.length;
      this.partial = null;
    }
    let pos = 0;
    for (;;) {
      const found = findHeadEnd(input, pos, inputEnd, searched);
      if (found === BROKEN) return new Refusal('badLineEnd');
      if (found === INCOMPLETE) {
        if (inputEnd - pos > MAX_HEAD_BYTES) return new Refusal('headTooLarge', 431);
        if (inputEnd > pos) this.partial = Buffer.from(input.subarray(pos, inputEnd));
        return 'more';
      }
      const bodiless = this.request.method === 'HEAD';
      const head = parseResponseHead(input, pos, found, bodiless, this.lines);
      if (head instanceof Refusal) return head;
      if (head.status >= 200 || head.status === 101) return this.takeFinal(head, input, found, inputEnd);
      if (this.request.http11) this.client.write(this.headText(input, head, '', '', false), 'latin1');
      pos = found;
      searched = found;
    }
  }

  private takeFinal(head: ResponseHead, bytes: Buffer, pos: number, end: number): ResponseProgress {
    const terms = this.owner.responseTerms();
    if (head.status === 101) {
      if (this.request.upgrade === null) return new Refusal('unexpectedUpgrade');
      this.head = head;
      this.client.write(this.headText(bytes, head, terms.identity, terms.sticky, false), 'latin1');
      if (end > pos) this.tunnelBytes = Buffer.from(bytes.subarray(pos, end));
      return 'tunnel';
    }
    this.head = head;
    const dechunk = head.framing === 'chunked' && !this.request.http11;
    this.closes = terms.mustClose || head.framing === 'close' || dechunk;
    if (dechunk) this.content = [];
    const onContent = dechunk ? (from: number, to: number) => this.content?.push({ from, to }) : null;
    this.body = new BodyReader(head.framing, head.length, onContent);
    const text = this.headText(bytes, head, terms.identity, terms.sticky, dechunk);
    return this.takeBody(text, bytes, pos, end) ? 'done' : 'headDone';
  }

  /** Writes `head` and the body's part of `bytes[pos, end)`; true when the body is complete. */
  private takeBody(head: string, bytes: Buffer, pos: number, end: number): boolean {
    const body = this.body as BodyReader;
    const next = body.take(bytes, pos, end);
    let more: boolean;
    if (this.content === null) {
      more = writeShared(this.client, head, bytes, pos, next);
    } else {
      more = writeShared(this.client, head, bytes, 0, 0);
      for (const { from, to } of this.content.splice(0)) more = writeShared(this.client, '', bytes, from, to);
    }
    if (body.done && next < end) this.surplus = true;
    if (!more) this.owner.pauseUpstream();
    return body.done;
  }

  /** Why the body's framing is malformed; null as long as it is not. */
  get fault(): BodyReader['fault'] {
    return this.body?.fault ?? null;
  }

  private headText(
    bytes: Buffer,
    head: ResponseHead,
    identity: string,
    sticky: string,
    dechunk: boolean,
  ): string {
    return clientHead(bytes, head, this.lines, {
      identity,
      sticky,
      dechunk,
      http11: this.request.http11,
      connection: this.closes ? 'close' : 'keep',
    });
  }
}
