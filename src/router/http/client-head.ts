import { text } from './characters.ts';
import type { FieldLines } from './field-lines.ts';
import { FIELD } from './field-names.ts';
import type { ResponseHead } from './response-head.ts';

/** What the router itself decides about the head that a client gets. */
export interface ClientHeadOptions {
  /** Lines that name the version (and, in a preview, the instance), ready to send, each with its CR LF. */
  readonly identity: string;
  /** `keep` says nothing to HTTP/1.1, where keeping is the rule, and says so to HTTP/1.0. */
  readonly connection: 'keep' | 'close';
  readonly http11: boolean;
  /** The chunked framing is taken off for a client of HTTP/1.0. */
  readonly dechunk: boolean;
  /** Set-Cookie line that keeps the client on its version, or ''. */
  readonly sticky: string;
}

const HOP = new Uint8Array(256);
for (const id of [
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.upgrade,
  FIELD.revision,
  FIELD.instance,
]) {
  HOP[id] = 1;
}

/** The head to send to the client: the instance's own bytes without what ended at this hop. */
export function clientHead(
  bytes: Buffer,
  head: ResponseHead,
  lines: FieldLines,
  options: ClientHeadOptions,
): string {
  let out = `HTTP/1.1 ${head.statusText}\r\n`;
  const bodiless = head.status < 200 || head.status === 204;
  let keptFrom = lines.count > 0 ? (lines.start[0] as number) : 0;
  let keptTo = keptFrom;
  for (let i = 0; i < lines.count; i++) {
    const id = lines.id[i] as number;
    const dropped =
      HOP[id] === 1 ||
      (id === FIELD.transferEncoding && (options.dechunk || bodiless)) ||
      (id === FIELD.contentLength && bodiless) ||
      (head.hopFields.length > 0 && head.hopFields.some((name) => lines.isNamed(bytes, i, name)));
    if (dropped) {
      if (keptTo > keptFrom) out += text(bytes, keptFrom, keptTo);
      keptFrom = lines.end[i] as number;
    }
    keptTo = lines.end[i] as number;
  }
  if (keptTo > keptFrom) out += text(bytes, keptFrom, keptTo);
  out += options.identity;
  if (options.sticky !== '') out += options.sticky;
  if (head.status === 101) out += `connection: upgrade\r\nupgrade: ${head.upgrade ?? ''}\r\n`;
  else if (head.status >= 200) {
    if (options.connection === 'close') out += 'connection: close\r\n';
    else if (!options.http11) out += 'connection: keep-alive\r\n';
  }
  return `${out}\r\n`;
}
