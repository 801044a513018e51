// The shop: a small HTTP application without dependencies that ends the way an application should.
//
// On SIGTERM it stops accepting, finishes the requests that it has, ends its streams properly (final chunk,
// close frame) and exits with 0 because nothing keeps it alive any more: nothing is cut by process.exit.
//
// CommonJS, because it starts in about half the time of modules, and a release waits for every start.

const { createServer } = require('node:http');
const { EventStreams } = require('./events.js');
const { Mischief } = require('./mischief.js');
const { routes } = require('./routes.js');
const version = require('./version.json');
const { WebSockets } = require('./websocket.js');

const FRESH_GRACE_MS = 500;

const mischief = new Mischief(process.env, version.version);
const events = new EventStreams();
const sockets = new WebSockets(version.version);
const answer = routes({ version, events, mischief });
// Connections without a request yet: Node does not count them as idle and would wait a minute for them.
const fresh = new Set();
let stopping = false;

const server = createServer((request, response) => {
  fresh.delete(request.socket);
  if (stopping) response.setHeader('connection', 'close');
  response.once('close', () => {
    if (stopping) setImmediate(() => server.closeIdleConnections());
  });
  if (mischief.spoils(request, response)) return;
  answer(request, response);
});

server.on('connection', (socket) => {
  fresh.add(socket);
  socket.once('close', () => fresh.delete(socket));
});

server.on('upgrade', (request, socket, head) => {
  fresh.delete(socket);
  if (mischief.spoilsUpgrade(socket)) return;
  if (new URL(request.url, 'http://shop').pathname !== '/ws') {
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    return;
  }
  sockets.accept(request, socket, head);
});

server.on('error', (error) => {
  console.error(`shop ${version.version} cannot listen: ${error.message}`);
  process.exitCode = 1;
});

function stop() {
  if (stopping || mischief.ignoresSigterm()) return;
  stopping = true;
  console.log(`shop ${version.version} stops: ${events.size} event streams, ${sockets.size} WebSockets`);
  server.close(() => console.log(`shop ${version.version} stopped`));
  // A request may be on its way on them: they get a moment.
  setTimeout(() => {
    for (const socket of fresh) socket.destroy();
  }, FRESH_GRACE_MS).unref();
  events.end();
  sockets.goAway();
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);

mischief.begin(() => {
  if (stopping) return;
  server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? '127.0.0.1', () => {
    console.log(`shop ${version.version} listens on port ${server.address().port}`);
  });
});
