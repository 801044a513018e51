/**
 * An instance for P4 that notes when the last request began: `GET /last` answers its wall-clock time in
 * milliseconds, `/slow?ms=N` takes N milliseconds. Prints its port.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

let lastAt = 0;
const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://origin');
  if (url.pathname === '/last') {
    response.end(String(lastAt));
    return;
  }
  lastAt = performance.timeOrigin + performance.now();
  setTimeout(() => response.end('ok'), Number(url.searchParams.get('ms') ?? 0));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
