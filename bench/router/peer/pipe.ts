/**
 * The floor: what it costs Node to move the bytes alone. One upstream connection per client connection,
 * no head is read, nothing is counted.
 *
 *   node pipe.ts PORT UPSTREAM-PORT
 */
import { connect, createServer, type Socket } from 'node:net';

const [port, upstreamPort] = process.argv.slice(2).map(Number);

function forward(from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
}

createServer({ noDelay: true }, (client) => {
  const upstream = connect({ port: upstreamPort ?? 0, host: '127.0.0.1', noDelay: true });
  forward(client, upstream);
  forward(upstream, client);
}).listen(port, '127.0.0.1');
