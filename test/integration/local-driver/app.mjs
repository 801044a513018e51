// The application of these tests: HTTP on PORT, and misbehaviour by environment variable.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

const {
  PORT,
  VERSION = 'v0',
  CRASH,
  NEVER_LISTEN,
  IGNORE_TERM,
  LIE,
  FLOOD,
  DIE_AFTER_MS,
  UNREADY_FILE,
} = process.env;

console.log(`${process.env.SLIPWAY_INSTANCE} starts as ${VERSION}`);
if (CRASH) {
  console.error('cannot find the database');
  process.exit(Number(CRASH));
}
if (DIE_AFTER_MS) setTimeout(() => process.exit(9), Number(DIE_AFTER_MS));
if (FLOOD) {
  const line = `${'x'.repeat(1023)}\n`;
  const flood = () => {
    for (let i = 0; i < 200; i += 1) process.stdout.write(line);
    setImmediate(flood);
  };
  flood();
}

const { existsSync, writeFileSync } = await import('node:fs');
const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://x');
  response.setHeader('x-app-version', VERSION);
  if (url.pathname === '/healthz') {
    response.statusCode = UNREADY_FILE && existsSync(UNREADY_FILE) ? 503 : 200;
    response.end('ok');
  } else if (LIE === 'hang') {
    return;
  } else if (LIE === 'error') {
    response.statusCode = 500;
    response.end('broken');
  } else if (url.pathname === '/slow') {
    setTimeout(() => response.end(`slow ${VERSION}`), Number(url.searchParams.get('ms')));
  } else if (url.pathname === '/until') {
    // Answers once this file is there: as long as the test wants it. FILE.in says that it has come.
    const file = url.searchParams.get('file');
    writeFileSync(`${file}.in`, '');
    const look = () => (existsSync(file) ? response.end(`until ${VERSION}`) : setTimeout(look, 10));
    look();
  } else if (url.pathname === '/download') {
    response.end(Buffer.alloc(Number(url.searchParams.get('bytes')), 'x'));
  } else if (url.pathname === '/env') {
    response.end(JSON.stringify({ env: process.env, cwd: process.cwd(), uid: process.getuid() }));
  } else {
    response.end(VERSION);
  }
});

// A WebSocket that answers nothing until the application ends it properly, with a close frame.
const sockets = new Set();
server.on('upgrade', (request, socket) => {
  const key = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`,
  );
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
  socket.on('data', (data) => (data[0] === 0x88 ? socket.end() : undefined));
});
if (!NEVER_LISTEN) server.listen(Number(PORT));
else setInterval(() => {}, 1e6);

process.on('SIGTERM', () => {
  console.log('SIGTERM');
  if (IGNORE_TERM) return;
  for (const socket of sockets) socket.write(Buffer.from([0x88, 0x02, 0x03, 0xe9]));
  server.close(() => process.exit(0));
});
