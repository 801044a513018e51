import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import {
  backend,
  balance,
  Cleanup,
  dial,
  fill,
  GET,
  RawInstance,
  startTestRouter,
  type TestRouter,
  type Wire,
} from './support.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

async function begin(
  request: string,
  over: { limits?: object; timeouts?: object } = {},
): Promise<{ router: TestRouter; instance: RawInstance; client: Wire; wire: Wire }> {
  const router = cleanup.add(await startTestRouter(over.limits));
  const instance = cleanup.add(await new RawInstance().listen());
  const timeouts = { connectMs: 1_000, responseHeadMs: 10_000, idleMs: 10_000, ...over.timeouts };
  await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 }, { timeouts });
  const client = cleanup.wire(await dial(router.port));
  client.write(request);
  const wire = await instance.wire(0);
  await wire.sees('\r\n\r\n');
  return { router, instance, client, wire };
}

async function counted(router: TestRouter, expected: object): Promise<void> {
  await eventually(`counts like ${JSON.stringify(expected)}`, async () => {
    const counts = await router.counts('shop-r1');
    expect(balance(counts).ended).toBe(counts.requests);
    expect(counts).toMatchObject(expected);
    return true;
  });
}

const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const TEXT = '\x81\x05hello';
const MASKED_TEXT = '\x81\x82\x00\x00\x00\x00hi';
const CLOSE = '\x88\x02\x03\xe8';

describe('an upgraded connection', () => {
  const open = async () => {
    const all = await begin(UPGRADE);
    expect(all.wire.received).toContain('connection: upgrade\r\nupgrade: websocket\r\n');
    // The first frame comes in one piece with the 101.
    all.wire.write(SWITCHED + TEXT);
    expect(await all.client.sees('hello')).toContain(
      'slipway-revision: shop-r1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
    all.client.write(MASKED_TEXT);
    await all.wire.sees('hi');
    expect(await all.router.handle.control.load('shop-r1-a')).toMatchObject({ requests: 0, streams: 1 });
    return all;
  };

  test('carries bytes both ways and is complete when the instance closes it', async () => {
    const { router, client, wire } = await open();
    wire.write(CLOSE);
    wire.socket.end();
    await client.seesEnd();
    expect(client.received.endsWith(CLOSE)).toBe(true);
    await counted(router, { completed: 1, statuses: { '1xx': 1 }, inFlight: 0 });
    expect(await router.handle.control.load('shop-r1-a')).toMatchObject({ requests: 0, streams: 0 });
  });

  test('is complete when the client closes it', async () => {
    const { router, client, wire } = await open();
    client.write('\x88\x80\x00\x00\x00\x00');
    client.socket.end();
    await wire.seesEnd();
    await counted(router, { completed: 1, inFlight: 0 });
  });

  test('is cut when the instance ends without a Close frame', async () => {
    const { router, client, wire } = await open();
    wire.socket.end();
    await eventually('the end', () => client.closed);
    await counted(router, { completed: 0, failed: { cut: 1 }, inFlight: 0 });
  });

  test('is cut when the instance resets it', async () => {
    const { router, client, wire } = await open();
    wire.socket.resetAndDestroy();
    await eventually('the end', () => client.closed);
    await counted(router, { completed: 0, failed: { cut: 1 }, inFlight: 0 });
  });

  test('is no failure when the client goes away', async () => {
    const { router, client, wire } = await open();
    client.socket.destroy();
    await wire.seesEnd();
    await counted(router, { completed: 0, clientGone: 1, failed: { cut: 0 }, inFlight: 0 });
  });

  test('that is refused is an ordinary answer', async () => {
    const { router, client, wire } = await begin(UPGRADE);
    wire.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    await client.sees('no');
    await counted(router, { completed: 1, statuses: { '4xx': 1 } });
    client.write(GET);
    await eventually('the next request', () => wire.received.includes('GET / '));
  });

  test('takes what the client sent before it was open', async () => {
    const { client, wire } = await begin(UPGRADE + MASKED_TEXT);
    wire.write(SWITCHED);
    await client.sees('101');
    await wire.sees('hi');
  });
});

describe('an event stream', () => {
  const STREAM =
    'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n';

  test('passes event by event, counts as a stream, and is complete with its last chunk', async () => {
    const { router, client, wire } = await begin(GET);
    wire.write(STREAM);
    await client.sees('data: 1');
    expect(await router.handle.control.load('shop-r1-a')).toMatchObject({ requests: 0, streams: 1 });
    wire.write('8\r\ndata: 2\n\r\n');
    await client.sees('data: 2');
    wire.write('0\r\n\r\n');
    await counted(router, { completed: 1, inFlight: 0 });
    // A stream's length is no latency.
    const { latencyMs } = await router.counts('shop-r1');
    expect(Object.values(latencyMs).reduce((a, b) => a + b, 0)).toBe(0);
  });

  test('is cut when its instance dies', async () => {
    const { router, client, wire } = await begin(GET);
    wire.write(STREAM);
    await client.sees('data: 1');
    wire.socket.destroy();
    await eventually('the end', () => client.closed);
    await counted(router, { failed: { cut: 1 }, inFlight: 0 });
  });

  test('ends at the instance when its client had ended before it began', async () => {
    const router = cleanup.add(await startTestRouter());
    const instance = cleanup.add(await new RawInstance().listen());
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port, { allowHalfOpen: true }));
    client.socket.end(GET);
    const wire = await instance.wire(0);
    await wire.sees('\r\n\r\n');
    wire.write(STREAM);
    await wire.seesEnd();
    await counted(router, { clientGone: 1, inFlight: 0 });
  });

  test('ends at the instance when the client ends', async () => {
    const { router, client, wire } = await begin(GET);
    wire.write(STREAM);
    await client.sees('data: 1');
    client.socket.end();
    await wire.seesEnd();
    await counted(router, { clientGone: 1, inFlight: 0 });
  });
});

test('an answer of unknown length is an ordinary request at first and a stream when it lasts', async () => {
  const { router, client, wire } = await begin(GET, { limits: { openEndedMs: 300 } });
  wire.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  await client.sees('hello');
  expect(await router.handle.control.load('shop-r1-a')).toMatchObject({ requests: 1, streams: 0 });
  const drained = router.handle.control.awaitDrained('shop-r1-a', { streams: false, timeoutMs: 5_000 });
  expect(await drained).toMatchObject({ requests: 0, streams: 1 });
  wire.write('0\r\n\r\n');
  await counted(router, { completed: 1, inFlight: 0 });
});

describe('back-pressure', () => {
  const MB = 1024 * 1024;
  const piece = Buffer.alloc(MB, 'x');

  test('a client that does not read holds its instance back', { timeout: 30_000 }, async () => {
    const { router, client, wire } = await begin(GET, { timeouts: { idleMs: 0 } });
    client.socket.pause();
    const total = 400 * MB;
    wire.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
    const before = process.memoryUsage().rss;
    const taken = await fill(wire, piece, total);
    expect(taken).toBeLessThan(40 * MB);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MB);
    expect((await router.counts('shop-r1')).inFlight).toBe(1);
    // It goes on when the client reads again, and nothing is lost or repeated.
    client.socket.removeAllListeners('data');
    let got = 0;
    client.socket.on('data', (text: string) => {
      got += text.length;
    });
    client.socket.resume();
    const rest = 60 * MB - taken;
    for (let sent = 0; sent < rest; sent += MB) {
      if (!wire.socket.write(piece)) await new Promise((resolve) => wire.socket.once('drain', resolve));
    }
    await eventually('all of it', () => got >= 60 * MB, { timeoutMs: 20_000 });
  });

  test('an instance that does not read holds its client back', { timeout: 30_000 }, async () => {
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${400 * MB}\r\n\r\n`;
    const { client, wire } = await begin(head, { timeouts: { idleMs: 0 } });
    wire.socket.pause();
    expect(await fill(client, piece, 400 * MB)).toBeLessThan(40 * MB);
  });

  test('silence of a client that does not read is not the instance’s', async () => {
    const { router, client, wire } = await begin(GET, { timeouts: { idleMs: 300 } });
    client.socket.pause();
    wire.write(`HTTP/1.1 200 OK\r\nContent-Length: ${400 * MB}\r\n\r\n`);
    await fill(wire, piece, 400 * MB);
    await counted(router, { clientGone: 1, failed: { timeout: 0, cut: 0 }, inFlight: 0 });
  });
});

test('large bodies pass both ways at once without a changed byte', { timeout: 30_000 }, async () => {
  const router = cleanup.add(await startTestRouter());
  const size = 8 * 1024 * 1024;
  const sent = Buffer.alloc(size);
  for (let i = 0; i < size; i++) sent[i] = (i * 31 + (i >> 9)) & 0xff;
  // Echoes the body while it still comes.
  const instance = cleanup.add(
    await new RawInstance((wire) => {
      let headDone = false;
      wire.socket.setEncoding('latin1');
      wire.socket.on('data', (text: string) => {
        let body = text;
        if (!headDone) {
          headDone = true;
          body = text.slice(text.indexOf('\r\n\r\n') + 4);
          wire.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
        }
        if (!wire.socket.write(body, 'latin1')) {
          wire.socket.pause();
          wire.socket.once('drain', () => wire.socket.resume());
        }
      });
    }).listen(),
  );
  await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
  await Promise.all(
    [1, 2, 3].map(async () => {
      const client = cleanup.wire(await dial(router.port));
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
      client.socket.write(sent);
      await eventually('the echo', () => client.received.length >= size + 50, { timeoutMs: 20_000 });
      const body = client.received.slice(client.received.indexOf('\r\n\r\n') + 4);
      const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
      expect(digest(Buffer.from(body, 'latin1'))).toBe(digest(sent));
    }),
  );
  expect(await router.counts('shop-r1')).toMatchObject({ requests: 3, completed: 3 });
});

test('an answer that comes before the body ends is passed on, and the connection closed after it', async () => {
  const { router, client, wire } = await begin(
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nstart',
  );
  wire.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig');
  expect(await client.sees('big')).toContain('connection: close\r\n');
  client.write('the rest that nobody wants');
  await client.seesEnd();
  await counted(router, { completed: 1, statuses: { '4xx': 1 } });
});
