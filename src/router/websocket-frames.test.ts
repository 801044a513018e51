import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WebSocketFrames } from './websocket-frames.ts';

function frame(opcode: number, length: number, masked = false): Buffer {
  const head = [0x80 | opcode];
  const mask = masked ? 0x80 : 0;
  if (length < 126) head.push(mask | length);
  else if (length < 65_536) head.push(mask | 126, length >> 8, length & 0xff);
  else head.push(mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff);
  if (masked) head.push(1, 2, 3, 4);
  // The content is all Close frames, should the walker lose its place.
  return Buffer.concat([Buffer.from(head), Buffer.alloc(length, 0x88)]);
}

const close = frame(8, 2);
test.each([
  ['a Close alone', [close], true],
  ['a Close behind text', [frame(1, 5), close], true],
  [
    'a Close behind frames of every size',
    [frame(1, 125), frame(2, 126), frame(2, 65_535), frame(2, 70_000), close],
    true,
  ],
  ['a masked Close', [frame(1, 300, true), frame(8, 0, true)], true],
  ['no Close', [frame(1, 5), frame(9, 0), frame(10, 4), frame(0, 200)], false],
  ['nothing', [], false],
])('%s', (_, frames, seen) => {
  const bytes = Buffer.concat(frames);
  fc.assert(
    fc.property(fc.array(fc.nat(Math.max(1, bytes.length)), { maxLength: 12 }), (cuts) => {
      const walker = new WebSocketFrames();
      let from = 0;
      for (const to of [...cuts, bytes.length].sort((a, b) => a - b)) {
        const end = Math.min(to, bytes.length);
        walker.take(bytes, from, end);
        from = end;
      }
      expect(walker.closeSeen).toBe(seen);
    }),
    { numRuns: 200 },
  );
});
