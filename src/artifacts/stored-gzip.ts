import { crc32 } from 'node:zlib';

/** Longest stored block of deflate (RFC 1951 3.2.4). */
const STORED = 65_535;
/** RFC 1952: deflate, no flags, no time, unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);

/**
 * gzip without compression. What zlib makes of the same bytes differs between its versions, builds and even
 * processors, and an artifact is known by the digest of its archive: only stored blocks, cut at fixed places,
 * come out the same everywhere. Content in the small is what reuse by digest saves anyway.
 */
export async function* storedGzip(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  yield HEADER;
  let crc = 0;
  let size = 0;
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of content) {
    crc = crc32(chunk, crc);
    size += chunk.byteLength;
    waiting.push(chunk);
    length += chunk.byteLength;
    if (length < STORED) continue;
    let rest = Buffer.concat(waiting);
    for (; rest.length >= STORED; rest = rest.subarray(STORED)) yield block(rest.subarray(0, STORED), false);
    waiting = [rest];
    length = rest.length;
  }
  yield block(Buffer.concat(waiting), true);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc >>> 0, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  yield trailer;
}

function block(content: Buffer, last: boolean): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(last ? 1 : 0, 0);
  head.writeUInt16LE(content.length, 1);
  head.writeUInt16LE(~content.length & 0xffff, 3);
  return Buffer.concat([head, content]);
}
