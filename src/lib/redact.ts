/**
 * Takes secrets out of what is about to be written to a log or an audit line: by the name of the field and by
 * the shape of Slipway's own tokens. The last line of defence; nobody should pass a secret here to begin with.
 */
const SECRET_NAMES =
  /^(?:authorization|proxy-authorization|cookie|set-cookie|token|tokens|password|passwd|secret|secrets|data|sealed|privatekey|apikey|credential|credentials|env)$/i;
const TOKEN_SHAPE = /slw_[A-Za-z0-9_-]{8,}/g;
const PEM_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const REMOVED = '[redacted]';
const MAX_DEPTH = 8;
const MAX_TEXT = 8_192;

/** Text without tokens and private keys, cut at 8 KiB so that one line cannot fill a disk. */
export function redactText(text: string): string {
  const clean = text.replace(TOKEN_SHAPE, `slw_${REMOVED}`).replace(PEM_KEY, REMOVED);
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT)}… (${clean.length} characters)` : clean;
}

/** A copy that is safe to write. Errors become name, message, code and cause; stacks are kept. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (value === null || typeof value !== 'object') return value;
  if (depth >= MAX_DEPTH) return '[deeper]';
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return redactError(value, depth);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      SECRET_NAMES.test(name) && item !== null && item !== undefined ? REMOVED : redact(item, depth + 1),
    ]),
  );
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: redactText(error.message),
    ...(code === undefined ? {} : { code: redact(code, depth + 1) }),
    ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
  };
}
