import { ChunkedReader } from './chunked.ts';
import type { Framing } from './framing.ts';
import type { RefusalReason } from './refusal.ts';

/** Where one body ends, whatever its framing; fed with the bytes as they come. */
export class BodyReader {
  readonly framing: Framing;
  done: boolean;
  private left: number;
  private readonly chunks: ChunkedReader | null;

  /** @param payload see ChunkedReader; given only where the chunked framing is taken off */
  constructor(framing: Framing, length: number, payload: ((from: number, to: number) => void) | null = null) {
    this.framing = framing;
    this.left = length;
    this.done = framing === 'none';
    this.chunks = framing === 'chunked' ? new ChunkedReader(payload) : null;
  }

  /** Why the framing is malformed; null as long as it is not. */
  get fault(): RefusalReason | null {
    return this.chunks === null ? null : this.chunks.fault;
  }

  /** Answers the index after the last byte of `bytes[pos, end)` that belongs to this body. */
  take(bytes: Buffer, pos: number, end: number): number {
    if (this.done) return pos;
    if (this.framing === 'length') {
      const next = Math.min(end, pos + this.left);
      this.left -= next - pos;
      this.done = this.left === 0;
      return next;
    }
    if (this.chunks === null) return end;
    const next = this.chunks.take(bytes, pos, end);
    this.done = this.chunks.state === 'done';
    return next;
  }

  /** The sender's end of stream. True where that is how this body ends, false where it cuts it short. */
  endOfStream(): boolean {
    if (this.framing === 'close') this.done = true;
    return this.done;
  }
}
