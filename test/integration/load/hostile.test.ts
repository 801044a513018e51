/**
 * Positive controls of the judge itself: servers that do one thing wrong, and the cause that must be booked
 * for it. A load that calls everything fine would pass every release.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { eventually } from '../../support/eventually.ts';
import { LoadProcess } from '../../support/load/load-process.ts';
import type { FailureCause, Kind } from '../../support/load/report.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
type SocketHandler = (socket: import('ws').WebSocket) => void;

const digest = (body: Buffer) => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
const bytesAskedFor = (request: IncomingMessage) => Number(/bytes=(\d+)/.exec(request.url ?? '')?.[1] ?? 0);
const event = (n: number) => `id: ${n}\ndata: {"number":${n}}\n\n`;
const stream = (response: ServerResponse, text: string) =>
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(text);
/** Answers at the level of bytes. */
const raw =
  (text: string): Handler =>
  (request, response) => {
    request.resume();
    response.socket?.end(text);
  };
/** Answers an item with the body that `spoil` makes of the right one, and the right one's digest. */
const item =
  (spoil: (body: Buffer) => Buffer): Handler =>
  (request, response) => {
    const right = Buffer.alloc(bytesAskedFor(request) + 1, 'x').subarray(1);
    const body = spoil(right);
    response.setHeader('content-digest', digest(right));
    response.writeHead(200, { 'content-length': body.length }).end(body);
  };
const upload =
  (spoil: (length: number, sha256: string) => object): Handler =>
  async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const answer = JSON.stringify({
      trailer: request.trailers['content-digest'] ?? null,
      ...spoil(body.length, createHash('sha256').update(body).digest('hex')),
    });
    response.writeHead(200, { 'content-length': answer.length }).end(answer);
  };

async function judge(kind: Kind, cause: FailureCause, handler: Handler, onSocket?: SocketHandler) {
  const server = createServer(handler);
  if (onSocket !== undefined) {
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => {
      socket.on('error', () => undefined);
      onSocket(socket);
    });
  }
  server.on('clientError', (_error, socket) => socket.destroy());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    await using load = await LoadProcess.start({
      target: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      kinds: [kind],
      clients: 1,
      rate: 40,
      holdBack: false,
      timeoutMs: 400,
    });
    await eventually(`a failure of ${kind}`, async () => (await load.snapshot()).failed > 0);
    const report = await load.stop();
    expect(report.firstFailures.map((note) => note.cause)).toContain(cause);
    expect(Object.keys(report.failures)).toEqual([cause]);
    expect(report.started).toBe(report.finished + report.failed);
    expect(report.byKind[kind].failed).toBe(report.failed);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('the load sees', { timeout: 30_000 }, () => {
  const requests: ReadonlyArray<[name: string, kind: Kind, cause: FailureCause, handler: Handler]> = [
    [
      'a wrong status',
      'keepAlive',
      'wrongStatus',
      (_request, response) => response.writeHead(502).end('bad'),
    ],
    [
      'a success that is not 200',
      'slow',
      'wrongStatus',
      (_request, response) => response.writeHead(204).end(),
    ],
    [
      'a body that is too long',
      'close',
      'wrongLength',
      item((body) => Buffer.concat([body, Buffer.from('x')])),
    ],
    [
      'a corrupted body',
      'keepAlive',
      'wrongDigest',
      item((body) => Buffer.from(body.map((byte, i) => (i === 0 ? byte ^ 1 : byte)))),
    ],
    ['an answer that is cut', 'keepAlive', 'cut', raw('HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\nhalf')],
    [
      'chunks that are cut',
      'close',
      'cut',
      raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nha'),
    ],
    [
      'an answer without a proven end',
      'close',
      'cut',
      raw('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf?'),
    ],
    ['a connection that ends without an answer', 'keepAlive', 'reset', raw('')],
    ['a reset', 'close', 'reset', (_request, response) => response.socket?.resetAndDestroy()],
    ['something that is not HTTP', 'close', 'malformed', raw('SSH-2.0-OpenSSH_9.6\r\n\r\n')],
    ['silence', 'close', 'timeout', () => undefined],
    [
      'an upload that lost bytes',
      'upload',
      'wrongLength',
      upload((length, sha256) => ({ length: length - 1, sha256 })),
    ],
    ['an upload that changed', 'upload', 'wrongDigest', upload((length) => ({ length, sha256: 'other' }))],
    [
      'an upload that is reset',
      'upload',
      'reset',
      (_request, response) => response.socket?.resetAndDestroy(),
    ],
    ['a gap between events', 'sse', 'wrongSequence', (_r, response) => stream(response, event(1) + event(3))],
    [
      'an event stream that is cut',
      'sse',
      'cut',
      (_request, response) => {
        stream(response, event(1));
        setImmediate(() => response.socket?.resetAndDestroy());
      },
    ],
    [
      'a stream without a final chunk',
      'sse',
      'cut',
      raw(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${event(1)}`),
    ],
    [
      'a stream that ends inside an event',
      'sse',
      'cut',
      (_r, response) => {
        stream(response, `${event(1)}id: 2`);
        response.end();
      },
    ],
    ['a stream that falls silent', 'sse', 'timeout', (_request, response) => stream(response, event(1))],
    ['no stream at all', 'sse', 'wrongStatus', (_request, response) => response.writeHead(503).end()],
  ];
  it.each(requests)('%s', (_name, kind, cause, handler) => judge(kind, cause, handler));

  const noHttp: Handler = (_request, response) => response.writeHead(426).end();
  const sockets: ReadonlyArray<[name: string, cause: FailureCause, onSocket: SocketHandler]> = [
    ['a wrong echo', 'wrongEcho', (socket) => socket.on('message', () => socket.send('other'))],
    [
      'an echo too many',
      'wrongEcho',
      (socket) => socket.on('message', (data) => [1, 2].map(() => socket.send(data))),
    ],
    ['a WebSocket that is cut', 'cut', (socket) => socket.on('message', () => socket.terminate())],
    ['a close that says error', 'wrongClose', (socket) => socket.on('message', () => socket.close(1011))],
    ['a WebSocket that falls silent', 'timeout', () => undefined],
  ];
  it.each(sockets)('%s', (_name, cause, onSocket) => judge('websocket', cause, noHttp, onSocket));

  const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n';
  const handshakes: ReadonlyArray<[name: string, cause: FailureCause, text: string]> = [
    ['a handshake that is refused', 'wrongStatus', 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n'],
    ['a handshake with another key', 'malformed', `${SWITCHING}sec-websocket-accept: x\r\n\r\n`],
  ];
  it.each(handshakes)('%s', async (_name, cause, text) => {
    await judge('websocket', cause, raw(text));
  });
});
