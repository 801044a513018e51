import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChunkedReader } from './chunked.ts';
import type { RefusalReason } from './refusal.ts';

interface Outcome {
  readonly taken: number;
  readonly state: string;
  readonly fault: RefusalReason | null;
  readonly content: string;
}

/** Feeds `text` in the pieces that end at `cuts`. */
function read(text: string, cuts: readonly number[] = []): Outcome {
  const content: string[] = [];
  let piece = Buffer.alloc(0);
  const reader = new ChunkedReader((from, to) => content.push(piece.toString('latin1', from, to)));
  const bytes = Buffer.from(text, 'latin1');
  let taken = 0;
  const ends = [...new Set([...cuts.map((c) => c % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  for (const end of ends) {
    if (end < taken) continue;
    piece = bytes.subarray(taken, end);
    const next = reader.take(piece, 0, piece.length);
    taken += next;
    if (next < piece.length) break;
  }
  return { taken, state: reader.state, fault: reader.fault, content: content.join('') };
}

describe('chunked framing is followed to its end', () => {
  const cases = [
    { name: 'no content', text: '0\r\n\r\n', content: '' },
    { name: 'one chunk', text: '5\r\nhello\r\n0\r\n\r\n', content: 'hello' },
    {
      name: 'several chunks, upper and lower hex',
      text: 'a\r\n0123456789\r\nB\r\nabcdefghijk\r\n0\r\n\r\n',
      content: '0123456789abcdefghijk',
    },
    { name: 'leading zeros', text: '0005\r\nhello\r\n000\r\n\r\n', content: 'hello' },
    { name: 'an extension', text: '5;a=b;c="d e"\r\nhello\r\n0;x\r\n\r\n', content: 'hello' },
    { name: 'trailers', text: '0\r\nx-digest: abc\r\nx-more:\r\n\r\n', content: '' },
    {
      name: 'content that looks like framing',
      text: '7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n',
      content: '0\r\n\r\n\r\n',
    },
  ];
  test.each(cases)('$name', ({ text, content }) => {
    expect(read(`${text}GET /next`)).toEqual({ taken: text.length, state: 'done', fault: null, content });
  });

  test('however the bytes are split', () => {
    const text = '5;e=1\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nx-a: b\r\nx-c: d\r\n\r\nrest';
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 20 }), (cuts) => {
        expect(read(text, cuts)).toEqual(read(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('whatever the content is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }), { maxLength: 8 }),
        fc.array(fc.nat(400)),
        (chunks, cuts) => {
          const text = `${chunks.map((c) => `${c.length.toString(16)}\r\n${c}\r\n`).join('')}0\r\n\r\n`;
          expect(read(text, cuts)).toEqual({
            taken: text.length,
            state: 'done',
            fault: null,
            content: chunks.join(''),
          });
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('chunked framing is refused', () => {
  const cases: { name: string; text: string; fault: RefusalReason }[] = [
    { name: 'no size', text: '\r\nhello', fault: 'badChunk' },
    { name: 'a size that is not hex', text: 'g\r\n', fault: 'badChunk' },
    { name: 'a prefix 0x', text: '0x5\r\nhello\r\n', fault: 'badChunk' },
    { name: 'a signed size', text: '+5\r\nhello\r\n', fault: 'badChunk' },
    { name: 'a space before the size', text: ' 5\r\nhello\r\n', fault: 'badChunk' },
    { name: 'a space behind the size', text: '5 \r\nhello\r\n', fault: 'badChunk' },
    { name: 'a size that overflows', text: '10000000000000005\r\n', fault: 'badChunk' },
    { name: 'a size that ends with LF', text: '5\nhello\r\n', fault: 'badChunk' },
    { name: 'a size that ends with CR alone', text: '5\rhello', fault: 'badChunk' },
    { name: 'an extension that ends with LF', text: '5;a\nhello', fault: 'badChunk' },
    { name: 'a control character in an extension', text: '5;a\x00\r\nhello', fault: 'badChunk' },
    { name: 'an endless extension', text: `5;${'a'.repeat(20_000)}\r\n`, fault: 'badChunk' },
    { name: 'more content than its size', text: '5\r\nhello!\r\n', fault: 'badChunk' },
    { name: 'content that ends with LF', text: '5\r\nhello\n0\r\n\r\n', fault: 'badChunk' },
    { name: 'an end with LF', text: '0\r\n\n', fault: 'badTrailer' },
    { name: 'a trailer without a colon', text: '0\r\nabc\r\n\r\n', fault: 'badTrailer' },
    { name: 'a folded trailer', text: '0\r\n x: y\r\n\r\n', fault: 'badTrailer' },
    { name: 'a trailer that ends with LF', text: '0\r\nx: y\n\r\n', fault: 'badTrailer' },
    { name: 'Content-Length as a trailer', text: '0\r\nContent-Length: 5\r\n\r\n', fault: 'badTrailer' },
    {
      name: 'Transfer-Encoding as a trailer',
      text: '0\r\ntransfer-encoding: chunked\r\n\r\n',
      fault: 'badTrailer',
    },
    { name: 'Host as a trailer', text: '0\r\nhost: b\r\n\r\n', fault: 'badTrailer' },
    { name: 'endless trailers', text: `0\r\n${'x: y\r\n'.repeat(5_000)}\r\n`, fault: 'badTrailer' },
  ];
  test.each(cases)('$name', ({ text, fault }) => {
    expect(read(text)).toMatchObject({ state: 'broken', fault });
  });

  test.each(cases)('$name, a byte at a time', ({ text, fault }) => {
    expect(read(text, [...Array(text.length).keys()])).toMatchObject({ state: 'broken', fault });
  });
});
