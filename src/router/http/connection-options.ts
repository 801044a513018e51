import { isWord } from './characters.ts';
import type { FieldLines } from './field-lines.ts';
import { FIELD } from './field-names.ts';
import { Refusal } from './refusal.ts';

/** What the Connection field of one message says about this hop (RFC 9110 section 7.6.1). */
export interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  /** Other names in it, lower case: fields that are for this hop alone. Empty in nearly every message. */
  readonly fields: readonly string[];
}

const NO_FIELDS: readonly string[] = [];
const NOTHING: ConnectionOptions = {
  close: false,
  keepAlive: false,
  upgrade: false,
  fields: NO_FIELDS,
};
const KEEP_ALIVE: ConnectionOptions = {
  close: false,
  keepAlive: true,
  upgrade: false,
  fields: NO_FIELDS,
};
const CLOSE: ConnectionOptions = {
  close: true,
  keepAlive: false,
  upgrade: false,
  fields: NO_FIELDS,
};

/** Fields that a sender may not have removed on its behalf: without them the message means another one. */
const NOT_HOP_BY_HOP: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'slipway-preview',
]);

export function connectionOptions(bytes: Buffer, lines: FieldLines): ConnectionOptions | Refusal {
  if (!lines.has(FIELD.connection)) return NOTHING;
  const only = lines.only(FIELD.connection);
  if (only !== -1) {
    const from = lines.valueStart[only] as number;
    const to = lines.valueEnd[only] as number;
    if (isWord(bytes, from, to, 'keep-alive')) return KEEP_ALIVE;
    if (isWord(bytes, from, to, 'close')) return CLOSE;
  }
  const lower = (lines.list(bytes, FIELD.connection) ?? '').toLowerCase();
  let close = false;
  let keepAlive = false;
  let upgrade = false;
  const fields: string[] = [];
  for (const member of lower.split(',')) {
    const option = member.trim();
    if (option === 'close') close = true;
    else if (option === 'keep-alive') keepAlive = true;
    else if (option === 'upgrade') upgrade = true;
    else if (NOT_HOP_BY_HOP.has(option)) return new Refusal('badConnection');
    else if (option !== '') fields.push(option);
  }
  return { close, keepAlive, upgrade, fields };
}
