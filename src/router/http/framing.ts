import type { FieldLines } from './field-lines.ts';
import { FIELD } from './field-names.ts';
import { Refusal } from './refusal.ts';

/** How the end of a body is known (RFC 9112 section 6). */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** Digits of a Content-Length: below 2^53, so that it counts exactly. */
const MAX_LENGTH_DIGITS = 15;

export interface DeclaredFraming {
  /** -1 where there is no Content-Length. */
  readonly length: number;
  readonly chunked: boolean;
}

export const NO_FRAMING: DeclaredFraming = { length: -1, chunked: false };

/**
 * What the framing fields of one head declare. Two answers to the same question (both lengths, a repeated
 * or list-valued length) are refused although RFC 9112 section 6.3 would allow to pick one: the next
 * parser may pick the other. Transfer-Encoding is `chunked` alone, once, and never in HTTP/1.0.
 */
export function declaredFraming(
  bytes: Buffer,
  lines: FieldLines,
  http11: boolean,
): DeclaredFraming | Refusal {
  if (!lines.has(FIELD.contentLength) && !lines.has(FIELD.transferEncoding)) return NO_FRAMING;
  let length = -1;
  let codings: string | null = null;
  for (let i = 0; i < lines.count; i++) {
    const id = lines.id[i];
    if (id === FIELD.contentLength) {
      if (length !== -1) return new Refusal('repeatedLength');
      length = parseLength(bytes, lines.valueStart[i] as number, lines.valueEnd[i] as number);
      if (length === -1) return new Refusal('badLength');
    } else if (id === FIELD.transferEncoding) {
      codings = codings === null ? lines.value(bytes, i) : `${codings},${lines.value(bytes, i)}`;
    }
  }
  if (codings === null) return { length, chunked: false };
  if (length !== -1) return new Refusal('bothLengths');
  if (!http11) return new Refusal('badTransferCoding');
  const refusal = codingRefusal(codings);
  return refusal ?? { length: -1, chunked: true };
}

function parseLength(bytes: Buffer, start: number, end: number): number {
  if (end === start || end - start > MAX_LENGTH_DIGITS) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function codingRefusal(codings: string): Refusal | null {
  const names = codings.split(',').map((name) => name.trim().toLowerCase());
  if (names.length === 1 && names[0] === 'chunked') return null;
  const chunked = names.indexOf('chunked');
  // Chunked twice or not last, or an empty member: no reading of it is safe.
  if (names.includes('') || (chunked !== -1 && chunked !== names.length - 1)) {
    return new Refusal('badTransferCoding');
  }
  return new Refusal('unknownTransferCoding', 501);
}
