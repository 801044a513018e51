/**
 * The instance behind every proxy of the benchmark: it answers as fast as Node can, so that the proxy is
 * what is measured. `/s` is a small answer, `/64k` one of 64 KiB. Prints its port.
 */
import { type AddressInfo, createServer } from 'node:net';

const SMALL = answer('hello world, this is a small answer of a common size\n'.repeat(2));
const LARGE = answer('abcdefghijklmnopqrstuvwxyz012345'.repeat(2048));

function answer(body: string): Buffer {
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ndate: Sat, 21 Nov 2026 00:00:00 GMT\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    'latin1',
  );
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    // The clients send a whole request at a time, and proxies pass a head on in one piece.
    if (!chunk.includes('\r\n\r\n')) return;
    socket.write(chunk.includes('/64k') ? LARGE : SMALL);
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
