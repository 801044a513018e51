import { SlipwayError } from '../lib/errors.ts';

/** Blocks of the format (POSIX.1-2024 pax, "ustar Interchange Format"). */
export const BLOCK = 512;

export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink';

/** What is said of one entry. Owners and times are not: an artifact has none. */
export interface EntryHeader {
  /** As the archive has it: not yet checked. */
  readonly path: string;
  readonly type: EntryType;
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  /** Target of a link; '' for the others. */
  readonly target: string;
}

/** A header block as it is read: either an entry, or words about the next one. */
export interface RawHeader {
  readonly type: string;
  readonly path: string;
  readonly target: string;
  readonly mode: number;
  readonly size: number;
}

const CODES: Readonly<Record<EntryType, string>> = { file: '0', hardlink: '1', symlink: '2', directory: '5' };

/** Bytes up to the next whole block. */
export const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

/**
 * The header of an entry, preceded by a pax header where ustar cannot say it: names of over 100 bytes or
 * beyond ASCII, sizes of 8 GiB and more. The same entry always makes the same bytes.
 */
export function encodeHeader(entry: EntryHeader): Buffer {
  const records: string[] = [];
  const plain = (text: string) => /^[\x20-\x7e]*$/.test(text) && text.length <= 100;
  if (!plain(entry.path)) records.push(paxRecord('path', entry.path));
  if (!plain(entry.target)) records.push(paxRecord('linkpath', entry.target));
  if (entry.size > 0o77777777777) records.push(paxRecord('size', String(entry.size)));
  const header = block({ ...entry, code: CODES[entry.type] });
  if (records.length === 0) return header;
  const body = Buffer.from(records.join(''));
  const extended = block({ path: 'pax', target: '', mode: 0o644, size: body.length, code: 'x' });
  return Buffer.concat([extended, body, Buffer.alloc(padding(body.length)), header]);
}

function block(entry: { path: string; target: string; mode: number; size: number; code: string }): Buffer {
  const buffer = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    buffer.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  buffer.write(entry.path.replaceAll(/[^\x20-\x7e]/g, '_').slice(0, 100), 0, 'latin1');
  octal(entry.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(Math.min(entry.size, 0o77777777777), 124, 12);
  octal(0, 136, 12);
  buffer.write(entry.code, 156, 'latin1');
  buffer.write(entry.target.replaceAll(/[^\x20-\x7e]/g, '_').slice(0, 100), 157, 'latin1');
  buffer.write('ustar\u000000', 257, 'latin1');
  buffer.write(`${checksum(buffer).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return buffer;
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (bytes + String(length).length !== length) length = bytes + String(length).length;
  return `${length}${rest}`;
}

/** Reads a header block; undefined for a block of zeros. Throws `invalid` for anything that is none. */
export function decodeHeader(buffer: Buffer): RawHeader | undefined {
  if (buffer.every((byte) => byte === 0)) return undefined;
  if (octalAt(buffer, 148, 8) !== checksum(buffer)) throw malformed('a header has a wrong checksum');
  const magic = buffer.toString('latin1', 257, 263);
  const prefix = magic === 'ustar\0' ? textAt(buffer, 345, 155) : '';
  const path = textAt(buffer, 0, 100);
  return {
    type: buffer.toString('latin1', 156, 157),
    path: prefix === '' ? path : `${prefix}/${path}`,
    target: textAt(buffer, 157, 100),
    mode: octalAt(buffer, 100, 8),
    size: octalAt(buffer, 124, 12),
  };
}

/** The records of a pax header. Throws `invalid` where a length does not fit. */
export function decodePax(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const length = space < 0 ? Number.NaN : Number(body.toString('latin1', at, space));
    const end = at + length;
    if (!Number.isInteger(length) || length < 5 || end > body.length || body[end - 1] !== 0x0a) {
      throw malformed('a pax header has a wrong length');
    }
    const record = utf8(body.subarray(space + 1, end - 1));
    const equals = record.indexOf('=');
    if (equals < 1) throw malformed('a pax record has no key');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return records;
}

/** Text, or `invalid` where it is not UTF-8: a name that cannot be told exactly is not written. */
export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw malformed('a name is not UTF-8', cause);
  }
}

export const malformed = (why: string, cause?: unknown): SlipwayError =>
  new SlipwayError('invalid', `the archive is refused: ${why}`, {
    next: 'let Slipway pack the directory, or pack it again with tar and gzip',
    cause,
  });

function textAt(buffer: Buffer, at: number, length: number): string {
  const field = buffer.subarray(at, at + length);
  const end = field.indexOf(0);
  return utf8(end < 0 ? field : field.subarray(0, end));
}

/** Octal text, or GNU's base 256 for what is too large for it. */
function octalAt(buffer: Buffer, at: number, length: number): number {
  const first = buffer[at] ?? 0;
  if (first === 0x80) {
    const value = buffer.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + byte, 0);
    if (!Number.isSafeInteger(value)) throw malformed('a number is too large');
    return value;
  }
  const text = buffer
    .toString('latin1', at, at + length)
    .replace(/[\0 ]+$/, '')
    .trimStart();
  if (!/^[0-7]*$/.test(text)) throw malformed('a number is not octal');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

/** Sum of the bytes, the checksum's own field taken as spaces. */
function checksum(buffer: Buffer): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += buffer[i] ?? 0;
  return sum;
}
