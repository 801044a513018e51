import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { READ_BUFFER, writeShared } from './shared-bytes.ts';

const opened: (Socket | Server)[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) 'destroy' in each ? each.destroy() : each.close();
});

/** Two ends of a connection. */
async function pair(): Promise<{ from: Socket; to: Socket }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const to = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const from = await accepted;
  opened.push(server, to, from);
  return { from, to };
}

async function readAll(socket: Socket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let got = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    got += chunk.length;
    if (got >= length) break;
  }
  return Buffer.concat(chunks);
}

test.each([
  ['nothing', '', 0],
  ['a head alone', 'head\r\n\r\n', 0],
  ['a small body', 'head\r\n\r\n', 100],
  ['a large body', 'head\r\n\r\n', 60_000],
  ['a large body behind a large head', `head: ${'x'.repeat(30_000)}\r\n\r\n`, 60_000],
  ['a large body without a head', '', READ_BUFFER.length],
])('%s arrives as it was, although the buffer is used again at once', async (_, head, length) => {
  const { from, to } = await pair();
  const expected = Buffer.concat([Buffer.from(head), Buffer.alloc(length, 'a'), Buffer.from('end')]);
  READ_BUFFER.fill('a');
  writeShared(from, head, READ_BUFFER, 0, length);
  READ_BUFFER.fill('b');
  from.end('end');
  expect(Buffer.compare(await readAll(to, expected.length), expected)).toBe(0);
});

test('what a slow socket has not sent yet is not overwritten by what others are sent', async () => {
  const slow = await pair();
  const fast = await pair();
  fast.to.resume();
  const sent: Buffer[] = [];
  // Until the kernel takes no more, and one piece further.
  for (let letter = 0; slow.from.writableLength < 200_000; letter++) {
    READ_BUFFER.fill(97 + (letter % 26));
    sent.push(Buffer.from(READ_BUFFER));
    writeShared(slow.from, '', READ_BUFFER, 0, READ_BUFFER.length);
    READ_BUFFER.fill('#');
    writeShared(fast.from, '', READ_BUFFER, 0, READ_BUFFER.length);
  }
  const expected = Buffer.concat(sent);
  slow.from.end();
  expect(Buffer.compare(await readAll(slow.to, expected.length), expected)).toBe(0);
});
