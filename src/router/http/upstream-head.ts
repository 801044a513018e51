import { text } from './characters.ts';
import type { FieldLines } from './field-lines.ts';
import { FIELD } from './field-names.ts';
import type { RequestHead } from './request-head.ts';

/** What a client connection adds to each of its requests. */
export interface ForwardedBy {
  /** The client's address, as X-Forwarded-For has it. */
  readonly address: string;
  readonly proto: 'http' | 'https';
  /**
   * Whether X-Forwarded-* and Forwarded of the request are believed and extended. Only right behind
   * another proxy that sets them: from anyone else they are forged, and are replaced.
   */
  readonly trusted: boolean;
}

/** Fields of a request that end at this hop. */
const HOP = flags([
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.proxyAuthorization,
  FIELD.te,
  FIELD.upgrade,
  FIELD.http2Settings,
  FIELD.preview,
]);
const CLAIMS = flags([FIELD.forwarded, FIELD.xForwardedFor, FIELD.xForwardedProto, FIELD.xForwardedHost]);

/**
 * The head to send to an instance: the client's own bytes without what ends at this hop, and with who
 * asked. Always HTTP/1.1 and always for a connection that is kept. Everything between two dropped fields
 * is copied in one piece.
 */
export function upstreamHead(bytes: Buffer, head: RequestHead, lines: FieldLines, by: ForwardedBy): string {
  let out = `${head.method} ${head.target} HTTP/1.1\r\n`;
  let keptFrom = lines.count > 0 ? (lines.start[0] as number) : 0;
  let keptTo = keptFrom;
  for (let i = 0; i < lines.count; i++) {
    if (isDropped(bytes, lines, i, head, by)) {
      if (keptTo > keptFrom) out += text(bytes, keptFrom, keptTo);
      keptFrom = lines.end[i] as number;
    }
    keptTo = lines.end[i] as number;
  }
  if (keptTo > keptFrom) out += text(bytes, keptFrom, keptTo);
  if (head.authority === '' && !head.http11) out += 'host: localhost\r\n';
  if (head.upgrade !== null) out += `connection: upgrade\r\nupgrade: ${head.upgrade}\r\n`;
  return out + forwarded(bytes, head, lines, by);
}

function isDropped(bytes: Buffer, lines: FieldLines, i: number, head: RequestHead, by: ForwardedBy): boolean {
  const id = lines.id[i] as number;
  // A client of HTTP/1.0 can't be sent a 100, so nobody may be asked for one.
  if (HOP[id] === 1 || (id === FIELD.expect && !head.http11)) return true;
  if (CLAIMS[id] === 1) return !by.trusted || id === FIELD.xForwardedFor;
  // An empty Host of HTTP/1.0 is replaced below.
  if (id === FIELD.host && head.authority === '' && !head.http11) return true;
  return head.hopFields.length > 0 && head.hopFields.some((name) => lines.isNamed(bytes, i, name));
}

function forwarded(bytes: Buffer, head: RequestHead, lines: FieldLines, by: ForwardedBy): string {
  if (!by.trusted) {
    return `x-forwarded-for: ${by.address}\r\nx-forwarded-proto: ${by.proto}\r\nx-forwarded-host: ${head.authority}\r\n\r\n`;
  }
  const earlier = lines.list(bytes, FIELD.xForwardedFor);
  let out = `x-forwarded-for: ${earlier === null ? by.address : `${earlier}, ${by.address}`}\r\n`;
  if (lines.list(bytes, FIELD.xForwardedProto) === null) out += `x-forwarded-proto: ${by.proto}\r\n`;
  if (lines.list(bytes, FIELD.xForwardedHost) === null) out += `x-forwarded-host: ${head.authority}\r\n`;
  return `${out}\r\n`;
}

function flags(ids: readonly number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const id of ids) table[id] = 1;
  return table;
}
