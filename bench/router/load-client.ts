/**
 * A load client of its own process: sends one fixed request per connection, the next when the answer is
 * complete, for some seconds. Prints one line of JSON. Bytes over net, since a client library would cost
 * more than the proxies.
 *
 *   node load-client.ts PORT PATH CONNECTIONS SECONDS
 */
import { connect } from 'node:net';

const [port, path, connections, seconds] = process.argv.slice(2);
const REQUEST = Buffer.from(
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: slipway-bench/1.0\r\nAccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.5\r\nCookie: theme=dark; session=0123456789abcdef0123456789abcdef\r\nConnection: keep-alive\r\n\r\n`,
);
const BUFFER = Buffer.allocUnsafeSlow(256 * 1024);

let requests = 0;
let errors = 0;
let stopped = false;
const latencies: number[] = [];

function open(): void {
  let left = 0;
  let sentAt = 0;
  const onread = { buffer: BUFFER, callback: (length: number) => read(length) };
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true, onread });
  const send = (): void => {
    sentAt = performance.now();
    socket.write(REQUEST);
  };
  const read = (length: number): boolean => {
    let from = 0;
    if (left === 0) {
      from = BUFFER.indexOf('\r\n\r\n') + 4;
      const head = BUFFER.toString('latin1', 0, from);
      const status = head.startsWith('HTTP/1.1 200');
      left = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
      if (!status || !(left > 0) || from > length) {
        errors++;
        socket.destroy();
        return true;
      }
    }
    left -= length - from;
    if (left > 0) return true;
    requests++;
    if (latencies.length < 200_000) latencies.push(performance.now() - sentAt);
    if (stopped) socket.destroy();
    else send();
    return true;
  };
  socket.on('connect', send);
  socket.on('error', () => {
    errors++;
  });
}

for (let i = 0; i < Number(connections); i++) open();
setTimeout(() => {
  stopped = true;
  latencies.sort((a, b) => a - b);
  const p50Us = (latencies[Math.floor(latencies.length / 2)] ?? Number.NaN) * 1_000;
  process.stdout.write(`${JSON.stringify({ requests, errors, p50Us })}\n`, () => process.exit(0));
}, Number(seconds) * 1_000);
