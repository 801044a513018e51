import { CR, HTAB, isWord, LF, SEMICOLON, SP, startsWith, text, VALUE } from './characters.ts';
import { connectionOptions } from './connection-options.ts';
import type { FieldLines } from './field-lines.ts';
import { FIELD } from './field-names.ts';
import { declaredFraming, type Framing } from './framing.ts';
import { Refusal } from './refusal.ts';
import { MAX_HEAD_BYTES } from './request-head.ts';

/** One response head that passed every check. */
export interface ResponseHead {
  readonly status: number;
  /** `200 OK` as it came: code, space, reason. */
  readonly statusText: string;
  readonly framing: Framing;
  readonly length: number;
  /** Whether the upstream connection may carry another request after this answer. */
  readonly reusable: boolean;
  /** Upgrade of a 101. */
  readonly upgrade: string | null;
  readonly eventStream: boolean;
  readonly hopFields: readonly string[];
}

/**
 * Parses the response head in `bytes[start, end)`; as strict as for requests, since what a broken or
 * hostile application sends decides where the next answer on this connection starts.
 *
 * @param bodiless the answer to HEAD: its framing fields describe a body that does not come
 */
export function parseResponseHead(
  bytes: Buffer,
  start: number,
  end: number,
  bodiless: boolean,
  lines: FieldLines,
): ResponseHead | Refusal {
  if (end - start > MAX_HEAD_BYTES) return new Refusal('headTooLarge', 431);
  const http11 = startsWith(bytes, start, 'HTTP/1.1 ');
  if (!http11 && !startsWith(bytes, start, 'HTTP/1.0 ')) return new Refusal('badStatusLine');
  const status = statusCode(bytes, start + 9);
  let at = start + 12;
  // RFC 9112 section 4 wants the space even before an empty reason; servers that leave it out are common.
  if (status === -1 || (bytes[at] !== SP && bytes[at] !== CR)) return new Refusal('badStatusLine');
  while (VALUE[bytes[at] as number] === 1) at++;
  if (bytes[at] !== CR || bytes[at + 1] !== LF) return new Refusal('badStatusLine');
  const statusText = text(bytes, start + 9, at);

  const broken = lines.scan(bytes, at + 2, end);
  if (broken !== null) return broken;
  const declared = declaredFraming(bytes, lines, http11);
  if (declared instanceof Refusal) return declared;
  const connection = connectionOptions(bytes, lines);
  if (connection instanceof Refusal) return connection;

  const none = bodiless || status < 200 || status === 204 || status === 304;
  const framing: Framing = none
    ? 'none'
    : declared.chunked
      ? 'chunked'
      : declared.length >= 0
        ? declared.length === 0
          ? 'none'
          : 'length'
        : 'close';
  return {
    status,
    statusText,
    framing,
    length: Math.max(0, declared.length),
    reusable: framing !== 'close' && !connection.close && (http11 || connection.keepAlive),
    upgrade: status === 101 ? lines.list(bytes, FIELD.upgrade) : null,
    eventStream: framing !== 'none' && isEventStream(bytes, lines),
    hopFields: connection.fields,
  };
}

function statusCode(bytes: Buffer, at: number): number {
  let code = 0;
  for (let i = at; i < at + 3; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    code = code * 10 + digit;
  }
  return code >= 100 && code <= 599 ? code : -1;
}

const EVENT_STREAM = 'text/event-stream';

function isEventStream(bytes: Buffer, lines: FieldLines): boolean {
  const line = lines.only(FIELD.contentType);
  if (line === -1) return false;
  const from = lines.valueStart[line] as number;
  const to = from + EVENT_STREAM.length;
  if (to > (lines.valueEnd[line] as number)) return false;
  // `/` and `-` are among the characters whose case bit is set already.
  if (!isWord(bytes, from, to, EVENT_STREAM)) return false;
  const next = bytes[to];
  return next === CR || next === SEMICOLON || next === SP || next === HTAB;
}
