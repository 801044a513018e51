/**
 * The fields that the router itself looks at, by number. 0 is every other field: it passes untouched and
 * unread. Numbers instead of strings, so that scanning a head allocates nothing.
 */
export const FIELD = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  keepAlive: 5,
  proxyConnection: 6,
  proxyAuthorization: 7,
  te: 8,
  upgrade: 9,
  expect: 10,
  cookie: 11,
  forwarded: 12,
  xForwardedFor: 13,
  xForwardedProto: 14,
  xForwardedHost: 15,
  preview: 16,
  http2Settings: 17,
  contentType: 18,
  revision: 19,
  instance: 20,
} as const;

export type FieldId = (typeof FIELD)[keyof typeof FIELD];

const NAMES: readonly (readonly [string, FieldId])[] = [
  ['host', FIELD.host],
  ['content-length', FIELD.contentLength],
  ['transfer-encoding', FIELD.transferEncoding],
  ['connection', FIELD.connection],
  ['keep-alive', FIELD.keepAlive],
  ['proxy-connection', FIELD.proxyConnection],
  ['proxy-authorization', FIELD.proxyAuthorization],
  ['te', FIELD.te],
  ['upgrade', FIELD.upgrade],
  ['expect', FIELD.expect],
  ['cookie', FIELD.cookie],
  ['forwarded', FIELD.forwarded],
  ['x-forwarded-for', FIELD.xForwardedFor],
  ['x-forwarded-proto', FIELD.xForwardedProto],
  ['x-forwarded-host', FIELD.xForwardedHost],
  ['slipway-preview', FIELD.preview],
  ['http2-settings', FIELD.http2Settings],
  ['content-type', FIELD.contentType],
  ['slipway-revision', FIELD.revision],
  ['slipway-instance', FIELD.instance],
];

interface Candidate {
  readonly bytes: Uint8Array;
  readonly id: FieldId;
}

const LONGEST = 19;
const BY_LENGTH: readonly (readonly Candidate[])[] = Array.from({ length: LONGEST + 1 }, (_, length) =>
  NAMES.filter(([name]) => name.length === length).map(([name, id]) => ({
    bytes: Uint8Array.from(name, (c) => c.charCodeAt(0)),
    id,
  })),
);

/**
 * The id of the name in `bytes[start, end)`, which holds only token characters. `| 0x20` folds case: of
 * the token characters only letters can fold onto a letter, a digit or a hyphen.
 */
export function identifyField(bytes: Uint8Array, start: number, end: number): FieldId {
  const length = end - start;
  if (length > LONGEST) return FIELD.other;
  const candidates = BY_LENGTH[length] as readonly Candidate[];
  for (let c = 0; c < candidates.length; c++) {
    const candidate = candidates[c] as Candidate;
    const name = candidate.bytes;
    let i = 0;
    while (i < length && ((bytes[start + i] as number) | 0x20) === name[i]) i++;
    if (i === length) return candidate.id;
  }
  return FIELD.other;
}
