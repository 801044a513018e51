import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { SlipwayError } from '../lib/errors.ts';
import {
  BLOCK,
  decodeHeader,
  decodePax,
  type EntryHeader,
  type EntryType,
  malformed,
  padding,
  utf8,
} from './tar-format.ts';

/** What an archive may come to. Beyond it the answer is `tooLarge`. */
export interface ArchiveLimits {
  /** Sum of the sizes of all files, and about the most that is decompressed. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** An entry and its content, which must be read before the next entry is asked for. */
export interface ArchiveEntry extends EntryHeader {
  content(): AsyncIterable<Uint8Array>;
}

/** Words about the next entry (pax, GNU long names) are short. */
const MAX_WORDS = 65_536;
const TYPES: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
};
const UNWANTED: Readonly<Record<string, string>> = {
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a pipe',
  S: 'a sparse file',
};

/**
 * The entries of a tar archive, gzipped or not, one after the other. Strict where node-tar and GNU tar are
 * forgiving, since what two readers understand differently is where things are smuggled: every checksum,
 * length and number must fit, unknown types are refused, and an archive that ends early is an error.
 */
export async function* readArchive(
  content: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
): AsyncGenerator<ArchiveEntry> {
  const headers = (limits.maxEntries + 1) * (4 * BLOCK);
  const blocks = new Blocks(await decompressed(content), limits.maxBytes + headers, limits);
  let entries = 0;
  let bytes = 0;
  let words: Words = {};
  for (;;) {
    const header = decodeHeader(await blocks.take(BLOCK));
    if (header === undefined) break;
    if ('xgLK'.includes(header.type)) {
      if (header.size > MAX_WORDS) throw malformed(`${header.size} bytes are said about one entry`);
      const body = await blocks.take(header.size);
      await blocks.take(padding(header.size));
      words = { ...words, ...wordsOf(header.type, body) };
      continue;
    }
    const entry = entryOf(header, words);
    words = {};
    entries += 1;
    bytes += entry.size;
    if (entries > limits.maxEntries) throw tooLarge(`it has more than ${limits.maxEntries} entries`);
    if (bytes > limits.maxBytes) throw tooLarge(`it unpacks to more than ${limits.maxBytes} bytes`);
    let left = entry.size;
    const readSome = async function* () {
      while (left > 0) {
        const chunk = await blocks.some(left);
        left -= chunk.length;
        yield chunk;
      }
    };
    yield { ...entry, content: readSome };
    for await (const _ of readSome());
    await blocks.take(padding(entry.size));
  }
  // To the end, so that the decompressor checks its sum over all.
  await blocks.drain();
}

interface Words {
  readonly path?: string;
  readonly target?: string;
  readonly size?: number;
}

function wordsOf(type: string, body: Buffer): Words {
  if (type === 'L' || type === 'K') {
    const text = utf8(body).replace(/\0+$/, '');
    return type === 'L' ? { path: text } : { target: text };
  }
  const records = decodePax(body);
  const [path, target, size] = [records.get('path'), records.get('linkpath'), records.get('size')];
  for (const key of records.keys()) {
    if (key.startsWith('GNU.sparse')) throw malformed('it has a sparse file');
  }
  if (type === 'g') {
    // `git archive` says the commit there. What would apply to every entry is not worth its ambiguity.
    if (path ?? target ?? size) throw malformed('a global header gives names or sizes');
    return {};
  }
  if (size !== undefined && (!/^\d{1,15}$/.test(size) || !Number.isSafeInteger(Number(size)))) {
    throw malformed('a pax header has a size that is no number');
  }
  return {
    ...(path !== undefined && { path }),
    ...(target !== undefined && { target }),
    ...(size !== undefined && { size: Number(size) }),
  };
}

function entryOf(
  header: { type: string; path: string; target: string; mode: number; size: number },
  words: Words,
) {
  const path = words.path ?? header.path;
  const type = TYPES[header.type];
  if (type === undefined) {
    throw malformed(
      `${path} is ${UNWANTED[header.type] ?? `of the unknown type ${JSON.stringify(header.type)}`}`,
    );
  }
  const size = words.size ?? header.size;
  const target = words.target ?? header.target;
  // Old archives mark a directory by the slash alone.
  if (type === 'file' && path.endsWith('/')) {
    if (size !== 0) throw malformed(`${path} is a directory with content`);
    return { path, type: 'directory' as const, mode: header.mode, size: 0, target: '' };
  }
  if (type !== 'file' && size !== 0) throw malformed(`${path} is no file and has content`);
  return {
    path,
    type,
    mode: header.mode,
    size,
    target: type === 'file' || type === 'directory' ? '' : target,
  };
}

/** Plain bytes of what may be gzipped. Only one layer is taken off: an archive in an archive is a file. */
async function decompressed(content: AsyncIterable<Uint8Array>): Promise<AsyncIterator<Uint8Array>> {
  const source = content[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  for (let length = 0; length < 2; ) {
    const { done, value } = await source.next();
    if (done === true) break;
    first.push(value);
    length += value.byteLength;
  }
  const start = Buffer.concat(first);
  const whole = (async function* () {
    try {
      yield start;
      for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
    } finally {
      await source.return?.();
    }
  })();
  if (start[0] !== 0x1f || start[1] !== 0x8b) return whole;
  const gunzip = createGunzip();
  // A failure of either side destroys the other with it, and is thrown where `gunzip` is read.
  pipeline(Readable.from(whole, { objectMode: false }), gunzip).catch(() => undefined);
  return gunzip[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
}

/** Exact amounts out of chunks of any length. */
class Blocks {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #limits: ArchiveLimits;
  #allowed: number;
  #chunk: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterator<Uint8Array>, allowed: number, limits: ArchiveLimits) {
    this.#source = source;
    this.#allowed = allowed;
    this.#limits = limits;
  }

  async take(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = size; left > 0; ) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** At least one byte and at most `most`. */
  async some(most: number): Promise<Buffer> {
    while (this.#chunk.length === 0) {
      if (!(await this.#more())) throw malformed('it ends early');
    }
    const part = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }

  async drain(): Promise<void> {
    while (await this.#more());
  }

  async #more(): Promise<boolean> {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await this.#source.next();
    } catch (cause) {
      const code = (cause as { code?: unknown }).code;
      if (typeof code === 'string' && code.startsWith('Z_'))
        throw malformed('its compression is damaged', cause);
      throw cause;
    }
    if (next.done === true) return false;
    this.#chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    this.#allowed -= this.#chunk.length;
    if (this.#allowed < 0)
      throw tooLarge(`it decompresses to more than ${this.#limits.maxBytes} bytes of files`);
    return true;
  }
}

const tooLarge = (why: string): SlipwayError =>
  new SlipwayError('tooLarge', `the archive is refused: ${why}`, {
    next: 'leave out what the application does not need at run time',
  });
