import { AUTHORITY, COLON, SP, startsWith, TARGET, TOKEN, text } from './characters.ts';
import { connectionOptions } from './connection-options.ts';
import type { FieldLines } from './field-lines.ts';
import { FIELD } from './field-names.ts';
import { declaredFraming, type Framing } from './framing.ts';
import { Refusal } from './refusal.ts';

/** Bytes in one head, request line or status line included. */
export const MAX_HEAD_BYTES = 32 * 1024;
const MAX_METHOD_BYTES = 32;

/** One request head that passed every check: what routing, framing and forwarding need to know of it. */
export interface RequestHead {
  readonly method: string;
  /** As forwarded: origin form, or `*` for OPTIONS. */
  readonly target: string;
  readonly http11: boolean;
  /** Lower case, without port and trailing dot; '' where an HTTP/1.0 client named none. */
  readonly host: string;
  /** The Host field as it came. */
  readonly authority: string;
  /** Whether the client wants its connection kept after the answer. */
  readonly keepAlive: boolean;
  readonly framing: Framing;
  /** Body bytes of a `length` body; 0 otherwise. */
  readonly length: number;
  /** Value of Upgrade where this is a request for a tunnel. */
  readonly upgrade: string | null;
  /** Version or instance that a preview asks for. */
  readonly preview: string | null;
  /** Fields that Connection declared to be for this hop alone, lower case. */
  readonly hopFields: readonly string[];
}

/**
 * Parses the head in `bytes[start, end)`, where `end` is after its empty line (see findHeadEnd), and
 * leaves its fields in `lines`. RFC 9112 read strictly: where a sender and a recipient could understand
 * a message differently it is refused.
 */
export function parseRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  lines: FieldLines,
): RequestHead | Refusal {
  if (end - start > MAX_HEAD_BYTES) return new Refusal('headTooLarge', 431);

  let at = start;
  while (TOKEN[bytes[at] as number] === 1) at++;
  if (bytes[at] !== SP || at === start || at - start > MAX_METHOD_BYTES) return new Refusal('badMethod');
  const method = at - start === 3 && startsWith(bytes, start, 'GET') ? 'GET' : text(bytes, start, at);

  const targetStart = ++at;
  while (TARGET[bytes[at] as number] === 1) at++;
  if (bytes[at] !== SP || at === targetStart) return new Refusal('badTarget');
  const rawTarget = text(bytes, targetStart, at);

  const http11 = startsWith(bytes, at + 1, 'HTTP/1.1\r\n');
  if (!http11 && !startsWith(bytes, at + 1, 'HTTP/1.0\r\n')) {
    // The preface of HTTP/2 (`PRI * HTTP/2.0`) ends here as well.
    const isVersion = /^HTTP\/[0-9]\.[0-9]\r\n$/.test(text(bytes, at + 1, at + 11));
    return isVersion ? new Refusal('unsupportedVersion', 505) : new Refusal('badVersion');
  }
  if (method === 'CONNECT') return new Refusal('unsupportedMethod', 501);

  const broken = lines.scan(bytes, at + 11, end);
  if (broken !== null) return broken;

  const authority = hostField(bytes, lines, http11);
  if (authority instanceof Refusal) return authority;
  const target = originForm(method, rawTarget, authority);
  if (target instanceof Refusal) return target;
  const framing = declaredFraming(bytes, lines, http11);
  if (framing instanceof Refusal) return framing;
  const connection = connectionOptions(bytes, lines);
  if (connection instanceof Refusal) return connection;

  const hasBody = framing.chunked || framing.length > 0;
  return {
    method,
    target,
    http11,
    host: hostName(authority),
    authority,
    keepAlive: http11 ? !connection.close : connection.keepAlive && !connection.close,
    framing: framing.chunked ? 'chunked' : framing.length > 0 ? 'length' : 'none',
    length: Math.max(0, framing.length),
    upgrade: connection.upgrade && http11 && !hasBody ? tunnelProtocol(bytes, lines) : null,
    preview: lines.list(bytes, FIELD.preview),
    hopFields: connection.fields,
  };
}

/** Exactly one Host; an HTTP/1.0 request may have none (RFC 9112 section 3.2). */
function hostField(bytes: Buffer, lines: FieldLines, http11: boolean): string | Refusal {
  if (!lines.has(FIELD.host)) return http11 ? new Refusal('noHost') : '';
  const found = lines.only(FIELD.host);
  if (found === -1) return new Refusal('repeatedHost');
  const from = lines.valueStart[found] as number;
  const to = lines.valueEnd[found] as number;
  let isPlain = true;
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (AUTHORITY[byte] !== 1) return new Refusal('badHost');
    if (byte === COLON || byte === BRACKET || byte === CLOSING_BRACKET) isPlain = false;
  }
  const host = text(bytes, from, to);
  return isPlain || HOST_AND_PORT.test(host) ? host : new Refusal('badHost');
}

const BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const HOST_AND_PORT = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]]*)(:[0-9]{0,5})?$/;

function hostName(authority: string): string {
  const colon = authority.startsWith('[')
    ? authority.indexOf(':', authority.indexOf(']'))
    : authority.indexOf(':');
  const name = (colon === -1 ? authority : authority.slice(0, colon)).toLowerCase();
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/**
 * The target as it is forwarded. An absolute form must agree with Host (a proxy would have to prefer the
 * target, a server behind it may not); the authority form is CONNECT's alone.
 */
function originForm(method: string, target: string, authority: string): string | Refusal {
  if (target.charCodeAt(0) === 0x2f) return target;
  if (target === '*') return method === 'OPTIONS' ? target : new Refusal('badTarget');
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  if (absolute === null) return new Refusal('badTarget');
  const [, named = '', rest = ''] = absolute;
  if (named.toLowerCase() !== authority.toLowerCase()) return new Refusal('badHost');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * Which protocol to tunnel. `h2c` is left out: behind it requests would pass that no rule here has seen
 * (h2c smuggling), and the answer to a request without Upgrade is as good.
 */
function tunnelProtocol(bytes: Buffer, lines: FieldLines): string | null {
  const protocol = lines.list(bytes, FIELD.upgrade);
  if (protocol === null || protocol === '' || /(^|[,\s])h2c?([,\s/]|$)/i.test(protocol)) return null;
  return protocol;
}
