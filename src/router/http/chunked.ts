import { CR, HTAB, LF, SEMICOLON, SP, TOKEN, VALUE } from './characters.ts';
import { FIELD, identifyField } from './field-names.ts';
import type { RefusalReason } from './refusal.ts';

/** Hex digits of a chunk size: below 2^52. */
const MAX_SIZE_DIGITS = 13;
/** Bytes of chunk extensions in one message; they carry nothing and cost every hop. */
const MAX_EXTENSION_BYTES = 16 * 1024;
const MAX_TRAILER_BYTES = 16 * 1024;

type State =
  | 'size'
  | 'extension'
  | 'sizeLf'
  | 'data'
  | 'dataCr'
  | 'dataLf'
  | 'trailer'
  | 'trailerLf'
  | 'lastLf'
  | 'done'
  | 'broken';

/**
 * Follows the chunked framing of one body (RFC 9112 section 7.1) without changing it: the bytes are
 * forwarded as they came, and this says where they end and whether every parser would agree.
 *
 * size → extension? → sizeLf → data → dataCr → dataLf → size … ; a size of 0 → trailer lines → lastLf → done
 */
export class ChunkedReader {
  state: State = 'size';
  fault: RefusalReason | null = null;
  private left = 0;
  private digits = 0;
  private extensionBytes = 0;
  private trailerBytes = 0;
  private line: number[] = [];
  private readonly payload: ((from: number, to: number) => void) | null;

  /** @param payload told of each range of the bytes just taken that is content, for dechunking */
  constructor(payload: ((from: number, to: number) => void) | null = null) {
    this.payload = payload;
  }

  /** Takes bytes of the body from `bytes[pos, end)`; answers the index of the first that is not its own. */
  take(bytes: Buffer, pos: number, end: number): number {
    let at = pos;
    while (at < end && this.state !== 'done' && this.state !== 'broken') {
      if (this.state === 'data') {
        const next = Math.min(end, at + this.left);
        this.payload?.(at, next);
        this.left -= next - at;
        at = next;
        if (this.left === 0) this.state = 'dataCr';
      } else {
        this.state = this.after(bytes[at++] as number);
      }
    }
    return at;
  }

  private after(byte: number): State {
    switch (this.state) {
      case 'size':
        return this.afterSizeByte(byte);
      case 'extension':
        if (byte === CR) return 'sizeLf';
        return VALUE[byte] === 1 && ++this.extensionBytes <= MAX_EXTENSION_BYTES
          ? 'extension'
          : this.broken('badChunk');
      case 'sizeLf':
        if (byte !== LF) return this.broken('badChunk');
        this.digits = 0;
        return this.left === 0 ? 'trailer' : 'data';
      case 'dataCr':
        return byte === CR ? 'dataLf' : this.broken('badChunk');
      case 'dataLf':
        return byte === LF ? 'size' : this.broken('badChunk');
      case 'trailer':
        return this.afterTrailerByte(byte);
      case 'trailerLf':
        if (byte !== LF || !isTrailerField(Uint8Array.from(this.line))) return this.broken('badTrailer');
        this.line = [];
        return 'trailer';
      case 'lastLf':
        return byte === LF ? 'done' : this.broken('badTrailer');
      default:
        return this.state;
    }
  }

  private afterSizeByte(byte: number): State {
    const digit = hexDigit(byte);
    if (digit !== -1) {
      if (++this.digits > MAX_SIZE_DIGITS) return this.broken('badChunk');
      this.left = (this.digits === 1 ? 0 : this.left * 16) + digit;
      return 'size';
    }
    if (this.digits > 0 && byte === CR) return 'sizeLf';
    if (this.digits > 0 && byte === SEMICOLON) return 'extension';
    return this.broken('badChunk');
  }

  private afterTrailerByte(byte: number): State {
    if (byte === CR) return this.line.length === 0 ? 'lastLf' : 'trailerLf';
    if (VALUE[byte] !== 1 || ++this.trailerBytes > MAX_TRAILER_BYTES) return this.broken('badTrailer');
    this.line.push(byte);
    return 'trailer';
  }

  private broken(reason: RefusalReason): State {
    this.fault = reason;
    return 'broken';
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** A field line whose name does not frame, route or authorise: those mean nothing here but mischief. */
function isTrailerField(line: Uint8Array): boolean {
  if (line[0] === SP || line[0] === HTAB) return false;
  let colon = 0;
  while (colon < line.length && TOKEN[line[colon] as number] === 1) colon++;
  if (colon === 0 || line[colon] !== 0x3a) return false;
  const id = identifyField(line, 0, colon);
  return id === FIELD.other;
}
