import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { FailureCause } from '../../../src/router/table.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/ports.ts';
import {
  backend,
  balance,
  Cleanup,
  dial,
  GET,
  ok,
  RawInstance,
  startTestRouter,
  type TestRouter,
} from './support.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

async function start(limits = {}): Promise<TestRouter> {
  return cleanup.add(await startTestRouter(limits));
}

async function failedBy(router: TestRouter, version: string, cause: FailureCause): Promise<void> {
  await eventually(`a failure by ${cause}`, async () => {
    const counts = await router.counts(version);
    expect(balance(counts).ended).toBe(counts.requests);
    const total = Object.values(counts.failed).reduce((a, b) => a + b, 0);
    return counts.failed[cause] === 1 && total === 1 && counts.clientGone === 0 && counts.inFlight === 0;
  });
}

describe('an instance that does not accept', () => {
  test('is passed over for another of its version, and nobody notices', async () => {
    const router = await start();
    const good = cleanup.add(await RawInstance.answering(ok('good')).listen());
    const gone = await freePort();
    await router.put([backend('shop-r1-a', gone), backend('shop-r1-b', good.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port));
    for (let i = 1; i <= 10; i++) {
      client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\r\n');
      await eventually(`answer ${i}`, () => client.received.split('good').length - 1 === i);
    }
    expect(await router.counts('shop-r1')).toMatchObject({ requests: 10, completed: 10 });
  });

  test('is passed over for another weighted version, which then counts it', async () => {
    const router = await start();
    const good = cleanup.add(await RawInstance.answering(ok('good')).listen());
    const backends = [backend('shop-r1-a', await freePort()), backend('shop-r2-a', good.port)];
    await router.put(backends, { 'shop-r1': 99, 'shop-r2': 1 });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    expect(await client.sees('good')).toContain('slipway-revision: shop-r2');
    expect(await router.counts('shop-r1')).toMatchObject({ requests: 0, inFlight: 0 });
    expect(await router.counts('shop-r2')).toMatchObject({ requests: 1, completed: 1 });
  });

  test('is a refusal when there is no other, and no version without weight stands in', async () => {
    const router = await start();
    const warm = cleanup.add(await RawInstance.answering(ok('warm')).listen());
    const backends = [backend('shop-r1-a', await freePort()), backend('shop-r2-a', warm.port)];
    await router.put(backends, { 'shop-r1': 100, 'shop-r2': 0 });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    expect(await client.sees('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /);
    await failedBy(router, 'shop-r1', 'refused');
    // The client's connection goes on.
    await router.put([backend('shop-r2-a', warm.port)], { 'shop-r2': 100 });
    client.write(GET);
    await client.sees('warm');
  });
});

test('an instance that neither accepts nor refuses is passed over when its time is up', async () => {
  // A stopped process with a full backlog: the kernel drops what more comes.
  const program =
    "require('node:net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},function(){console.log(this.address().port)})";
  const silent = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanup.add({ close: () => silent.kill('SIGKILL') });
  const port = await new Promise<number>((resolve) =>
    silent.stdout.once('data', (data) => resolve(Number(data))),
  );
  silent.kill('SIGSTOP');
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  cleanup.add({ close: () => fillers.map((filler) => filler.destroy()) });
  await eventually(
    'some connections to hang',
    () => fillers.some((f) => !f.connecting) && fillers.some((f) => f.connecting),
  );

  const router = await start();
  const good = cleanup.add(await RawInstance.answering(ok('good')).listen());
  const timeouts = { connectMs: 200, responseHeadMs: 0, idleMs: 0 };
  await router.put(
    [backend('shop-r1-a', port), backend('shop-r1-b', good.port)],
    { 'shop-r1': 100 },
    { timeouts },
  );
  const client = cleanup.wire(await dial(router.port));
  client.write(GET);
  await client.sees('good');
  await router.put([backend('shop-r1-a', port)], { 'shop-r1': 100 }, { timeouts });
  client.write(GET);
  await client.sees('504');
  await failedBy(router, 'shop-r1', 'timeout');
});

describe('a failure is counted by its cause', () => {
  const begin = async (limits = {}, timeouts = {}) => {
    const router = await start(limits);
    const instance = cleanup.add(await new RawInstance().listen());
    const all = { connectMs: 1_000, responseHeadMs: 10_000, idleMs: 10_000, ...timeouts };
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 }, { timeouts: all });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    const wire = await instance.wire(0);
    await wire.sees('\r\n\r\n');
    return { router, client, wire };
  };

  test('reset: the connection ends before an answer', async () => {
    const { router, client, wire } = await begin();
    wire.socket.end();
    expect(await client.sees('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /);
    await failedBy(router, 'shop-r1', 'reset');
    expect(await router.handle.control.load('shop-r1-a')).toMatchObject({
      requests: 0,
      failed: { reset: 1 },
    });
  });

  test('whether the instance had been told to end stands beside the cause', async () => {
    const told = await begin();
    await told.router.handle.control.closeIdle('shop-r1-a');
    told.wire.socket.end();
    await failedBy(told.router, 'shop-r1', 'reset');
    expect(await told.router.counts('shop-r1')).toMatchObject({ byItself: { reset: 0 } });
    const alone = await begin();
    alone.wire.socket.end();
    await failedBy(alone.router, 'shop-r1', 'reset');
    expect(await alone.router.counts('shop-r1')).toMatchObject({ byItself: { reset: 1 } });
  });

  test('reset: the connection is reset before an answer', async () => {
    const { router, client, wire } = await begin();
    wire.socket.resetAndDestroy();
    expect(await client.sees('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /);
    await failedBy(router, 'shop-r1', 'reset');
  });

  test('reset: the answer is no HTTP', async () => {
    const { router, client, wire } = await begin();
    wire.write('220 mail.example ESMTP\r\n\r\n');
    expect(await client.sees('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /);
    await failedBy(router, 'shop-r1', 'reset');
  });

  test('reset: an upgrade that nobody asked for', async () => {
    const { router, client, wire } = await begin();
    wire.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n');
    expect(await client.sees('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /);
    await failedBy(router, 'shop-r1', 'reset');
  });

  test.each([
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello', false],
    ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello', false],
    ['without its last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', false],
    ['that ends by close, by a reset', 'HTTP/1.1 200 OK\r\n\r\nhello', true],
  ])('cut: an answer %s ends too early, and the client sees that', async (_, answer, reset) => {
    const { router, client, wire } = await begin();
    wire.write(answer);
    await client.sees('hello');
    if (reset) wire.socket.resetAndDestroy();
    else wire.socket.end();
    await eventually('the end', () => client.closed);
    if (reset) expect(client.error).not.toBeNull();
    await failedBy(router, 'shop-r1', 'cut');
  });

  test('cut: the chunks of an answer are malformed', async () => {
    const { router, client, wire } = await begin();
    wire.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld');
    await eventually('the end', () => client.closed);
    await failedBy(router, 'shop-r1', 'cut');
  });

  test('timeout: no answer in time', async () => {
    const { router, client } = await begin({}, { responseHeadMs: 200 });
    expect(await client.sees('\r\n\r\n')).toMatch(/^HTTP\/1\.1 504 /);
    await failedBy(router, 'shop-r1', 'timeout');
  });

  test('timeout: silence within an answer', async () => {
    const { router, client, wire } = await begin({}, { idleMs: 200 });
    wire.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello');
    await eventually('the end', () => client.closed);
    await failedBy(router, 'shop-r1', 'timeout');
  });

  test('noBackend: nothing serves', async () => {
    const router = await start();
    await router.put([], {});
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    expect(await client.sees('\r\n\r\n')).toMatch(/^HTTP\/1\.1 503 /);
    await failedBy(router, '', 'noBackend');
  });

  test('noBackend: no table yet', async () => {
    const router = await start();
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    expect(await client.sees('\r\n\r\n')).toMatch(/^HTTP\/1\.1 503 /);
    await failedBy(router, '', 'noBackend');
  });

  test('none: a client that goes away', async () => {
    const { router, client, wire } = await begin();
    wire.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello');
    await client.sees('hello');
    client.socket.resetAndDestroy();
    await eventually('the instance to be told', () => wire.ended || wire.closed);
    expect(await router.counts('shop-r1')).toMatchObject({
      requests: 1,
      clientGone: 1,
      completed: 0,
      inFlight: 0,
    });
  });

  test('none: a client that does not send what it announced', async () => {
    const router = await start();
    const instance = cleanup.add(await new RawInstance().listen());
    const timeouts = { connectMs: 1_000, responseHeadMs: 0, idleMs: 200 };
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 }, { timeouts });
    const client = cleanup.wire(await dial(router.port));
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello');
    expect(await client.seesEnd()).toMatch(/^HTTP\/1\.1 408 /);
    expect(await router.counts('shop-r1')).toMatchObject({ requests: 1, clientGone: 1, inFlight: 0 });
  });

  test('none: the application’s own 5xx', async () => {
    const { router, client, wire } = await begin();
    wire.write('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n');
    await client.sees('500');
    expect(await router.counts('shop-r1')).toMatchObject({
      completed: 1,
      statuses: { '5xx': 1 },
      failed: { reset: 0, cut: 0 },
    });
  });

  test('none: no route for the host', async () => {
    const router = await start();
    await router.put([], {}, { host: 'shop.example' });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    expect(await client.sees('\r\n\r\n')).toMatch(/^HTTP\/1\.1 404 /);
    expect(await router.counts('')).toMatchObject({ completed: 1, failed: { noBackend: 0 } });
  });
});

describe('an instance that is gone while a slow client still takes its answer', () => {
  /** The instance wrote `written` bytes of `announced` and ended; the client has not read on since the first. */
  const begin = async (written: number, announced: number) => {
    const router = await start();
    const instance = cleanup.add(await new RawInstance().listen());
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    const wire = await instance.wire(0);
    await wire.sees('\r\n\r\n');
    wire.write(`HTTP/1.1 200 OK\r\nContent-Length: ${announced}\r\n\r\nbegin`);
    await client.sees('begin');
    client.socket.pause();
    // More than the client's side takes before the router holds the instance back.
    for (let left = written - 5; left > 0; left -= 65_536) wire.write('x'.repeat(Math.min(left, 65_536)));
    const sent = new Promise<void>((resolve) => wire.socket.end(() => resolve()));
    return { router, client, sent };
  };
  const BYTES = 8 * 1024 * 1024;

  test('is read to its end, and counted as cut before the client notices', async () => {
    const { router, client } = await begin(BYTES, BYTES + 1);
    await eventually('the instance to be held back', async () => {
      const counts = await router.counts('shop-r1');
      return counts.inFlight === 1 && client.socket.isPaused();
    });
    await router.handle.control.ended('shop-r1-a');
    await failedBy(router, 'shop-r1', 'cut');
    expect(await router.handle.control.load('shop-r1-a')).toMatchObject({ requests: 0, failed: { cut: 1 } });
    expect(await router.counts('shop-r1')).toMatchObject({ byItself: { cut: 0 } });
  });

  test('leaves an answer that is whole to the client, who takes it in its own time', async () => {
    const { router, client, sent } = await begin(BYTES, BYTES);
    await router.handle.control.ended('shop-r1-a');
    await sent;
    await eventually('nothing to be left inside the instance', async () => {
      return (await router.handle.control.load('shop-r1-a'))?.requests === 0;
    });
    expect(await router.counts('shop-r1')).toMatchObject({ completed: 0, inFlight: 1 });
    client.socket.resume();
    await eventually('the whole answer', () => client.received.length >= BYTES);
    await eventually('its count', async () => (await router.counts('shop-r1')).completed === 1);
  });

  test('keeps no more of it than the limit', async () => {
    const router = await start({ readOnBytes: 1_024 * 1_024 });
    const instance = cleanup.add(await new RawInstance().listen());
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    const wire = await instance.wire(0);
    await wire.sees('\r\n\r\n');
    wire.write('HTTP/1.1 200 OK\r\n\r\nbegin');
    await client.sees('begin');
    client.socket.pause();
    await router.handle.control.ended('shop-r1-a');
    for (let n = 0; n < 1_024; n += 1) wire.write('x'.repeat(65_536));
    let last = -1;
    await eventually('the instance to be held back', () => {
      const before = last;
      last = wire.socket.writableLength;
      return last > 0 && last === before;
    });
    expect(wire.socket.bytesWritten - wire.socket.writableLength).toBeLessThan(BYTES * 2);
  });
});

describe('a kept connection that turns out to be stale', () => {
  /** An instance whose first connection answers once and ends when the second request is on its way. */
  const race = async (second: string) => {
    const router = await start();
    const instance = cleanup.add(
      await new RawInstance((wire, index) => {
        let heads = 0;
        wire.socket.on('data', () => {
          heads = wire.received.split('\r\n\r\n').length - 1;
          if (index > 0) wire.write(ok('again'));
          else if (heads === 1) wire.write(ok('first'));
          else wire.socket.destroy();
        });
      }).listen(),
    );
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    await client.sees('first');
    client.write(second);
    return { router, client, instance };
  };

  test.each([
    ['GET', GET],
    ['HEAD', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['DELETE', 'DELETE / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['PUT with a small body', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'],
  ])('%s is sent again on a new one', async (_, request) => {
    const { router, client, instance } = await race(request);
    await eventually('two answers', () => client.received.split('HTTP/1.1 200').length === 3);
    expect(instance.wires).toHaveLength(2);
    expect(instance.wires[1]?.received).toMatch(new RegExp(`^${request.split(' ')[0]} `));
    if (request.endsWith('hello')) expect(instance.wires[1]?.received).toMatch(/\r\n\r\nhello$/);
    expect(await router.counts('shop-r1')).toMatchObject({ requests: 2, completed: 2, failed: { reset: 0 } });
  });

  test('POST is never sent twice', async () => {
    const { router, client, instance } = await race(
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
    );
    await client.sees('502');
    expect(instance.wires).toHaveLength(1);
    await failedBy(router, 'shop-r1', 'reset');
  });

  test.each([
    [
      'PUT with a body beyond what is kept',
      `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`,
    ],
    ['PUT whose body is not complete', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello'],
  ])('%s is not sent again', async (_, request) => {
    const { router, client, instance } = await race(request);
    await client.sees('502');
    expect(instance.wires).toHaveLength(1);
    await failedBy(router, 'shop-r1', 'reset');
  });

  test('GET is not sent again when the instance began to answer', async () => {
    const router = await start();
    const instance = cleanup.add(
      await new RawInstance((wire) => {
        wire.socket.on('data', () => {
          if (wire.received.split('\r\n\r\n').length === 2) wire.write(ok('first'));
          else wire.socket.end('HTTP/1.1 103 Early Hints\r\n\r\n');
        });
      }).listen(),
    );
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    await client.sees('first');
    client.write(GET);
    await client.sees('502');
    expect(instance.wires).toHaveLength(1);
    await failedBy(router, 'shop-r1', 'reset');
  });

  test('a GET on a new connection is not sent twice', async () => {
    const router = await start();
    const instance = cleanup.add(
      await new RawInstance((wire) => wire.socket.once('data', () => wire.socket.destroy())).listen(),
    );
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    await client.sees('502');
    expect(instance.wires).toHaveLength(1);
  });

  test('POST does not take one that has been idle for long', async () => {
    const router = await start({ unsafeReuseMs: 50, upstreamIdleMs: 60_000 });
    const instance = cleanup.add(await RawInstance.answering(ok('x')).listen());
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    await client.sees('x');
    const since = performance.now();
    await eventually('the connection to be old', () => performance.now() - since > 250);
    client.write('POST / HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually('two connections', () => instance.wires.length === 2);
    client.write(GET);
    await eventually('three answers', () => client.received.split('HTTP/1.1 200').length === 4);
    expect(instance.wires).toHaveLength(2);
  });

  test('is closed when it speaks unasked', async () => {
    const router = await start({ upstreamIdleMs: 60_000 });
    const instance = cleanup.add(await RawInstance.answering(ok('x')).listen());
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    await client.sees('x');
    const wire = await instance.wire(0);
    wire.write('HTTP/1.1 408 Request Timeout\r\n\r\n');
    await wire.seesEnd();
    client.write(GET);
    await eventually('a second connection', () => instance.wires.length === 2);
    expect(client.received).not.toContain('408');
  });

  test('is closed when it was idle for too long', async () => {
    const router = await start({ upstreamIdleMs: 200 });
    const instance = cleanup.add(await RawInstance.answering(ok('x')).listen());
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    await client.sees('x');
    await instance.wires[0]?.seesEnd();
    expect(await router.handle.control.load('shop-r1-a')).toMatchObject({ idleConnections: 0 });
  });
});

test('an answer with bytes behind its end is passed on without them, and its connection not used again', async () => {
  const router = await start();
  const instance = cleanup.add(await RawInstance.answering(`${ok('one')}HTTP/1.1 200 OK\r\n`).listen());
  await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
  const client = cleanup.wire(await dial(router.port));
  client.write(GET);
  await client.sees('one');
  client.write(GET);
  await eventually('a second connection', () => instance.wires.length === 2);
  await eventually('two answers', () => client.received.split('one').length === 3);
  expect(client.received.endsWith('one')).toBe(true);
});
