/**
 * Which bytes may stand where in an HTTP/1.1 message (RFC 9110 section 5, RFC 9112 section 3), as tables
 * of 256 flags, so that one look per byte decides. Whatever a table does not allow is refused, never
 * repaired: two parsers that repair differently are how requests get smuggled.
 */
function table(allow: (byte: number) => boolean): Uint8Array {
  const flags = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) flags[byte] = allow(byte) ? 1 : 0;
  return flags;
}

const isDigit = (b: number): boolean => b >= 0x30 && b <= 0x39;
const isAlpha = (b: number): boolean => (b >= 0x41 && b <= 0x5a) || (b >= 0x61 && b <= 0x7a);
const among = (chars: string, b: number): boolean => chars.includes(String.fromCharCode(b));

/** `tchar`: methods and field names. */
export const TOKEN: Uint8Array = table((b) => isDigit(b) || isAlpha(b) || among("!#$%&'*+-.^_`|~", b));

/** Field values, reason phrases, chunk extensions: HTAB, SP, VCHAR, obs-text. No CR, LF, NUL or DEL. */
export const VALUE: Uint8Array = table((b) => b === 0x09 || (b >= 0x20 && b !== 0x7f));

/**
 * Request targets: visible ASCII without `"`, `<`, `>` and `#`. Browsers send `{`, `}`, `|`, `^`, `` ` ``
 * and `\` unescaped in queries, so these pass although RFC 3986 has no place for them.
 */
export const TARGET: Uint8Array = table((b) => b > 0x20 && b < 0x7f && !among('"<>#', b));

/** `uri-host [ ":" port ]`: registered names, IPv4, and IPv6 in brackets. */
export const AUTHORITY: Uint8Array = table((b) => isDigit(b) || isAlpha(b) || among("-._~%!$&'()*+;=:[]", b));

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COMMA = 0x2c;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** `bytes[from, to)` as text, one character per byte, which is what heads are: never UTF-8. */
export function text(bytes: Buffer, from: number, to: number): string {
  return bytes.toString('latin1', from, to);
}

/** Whether `bytes[from, …)` starts with `expected` (ASCII), exactly; without making text of the bytes. */
export function startsWith(bytes: Buffer, from: number, expected: string): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[from + i] !== expected.charCodeAt(i)) return false;
  return true;
}

/** Whether `bytes[from, to)` is `expected` (lower-case letters, digits, hyphens) but for its case. */
export function isWord(bytes: Buffer, from: number, to: number, expected: string): boolean {
  if (to - from !== expected.length) return false;
  for (let i = 0; i < expected.length; i++) {
    if (((bytes[from + i] as number) | 0x20) !== expected.charCodeAt(i)) return false;
  }
  return true;
}
