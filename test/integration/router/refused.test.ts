import { afterEach, describe, expect, test } from 'vitest';
import { REFUSED_HEADS } from '../../../src/router/http/smuggling-vectors.ts';
import { eventually } from '../../support/eventually.ts';
import { backend, Cleanup, dial, GET, ok, RawInstance, startTestRouter } from './support.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const BODY = '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

describe('of what is refused not one byte is forwarded', () => {
  test('in any of the vectors, alone or behind a good request', { timeout: 60_000 }, async () => {
    const router = cleanup.add(await startTestRouter());
    const instance = cleanup.add(await RawInstance.answering(ok('fine')).listen());
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    let expected = 0;
    for (const { name, head, status, reason } of REFUSED_HEADS) {
      for (const before of ['', GET]) {
        const wires = instance.wires.length;
        const received = instance.received.length;
        const client = await dial(router.port);
        client.write(before);
        if (before !== '') await client.sees('fine');
        const forwarded = instance.received.length - received;
        client.write(head + BODY);
        const answer = await client.seesEnd();
        client.socket.destroy();
        expected++;
        expect(answer, name).toMatch(new RegExp(`HTTP/1\\.1 ${status} [\\s\\S]*connection: close`));
        expect(answer.split(/HTTP\/1\.1 \d/).length - 1, name).toBe(before === '' ? 1 : 2);
        expect(instance.received.length - received, `${name}: bytes at the instance`).toBe(forwarded);
        if (before === '') expect(instance.wires.length, `${name}: connections`).toBe(wires);
        const { malformed } = await router.stats();
        expect(malformed[reason], name).toBeGreaterThan(0);
      }
    }
    const { malformed } = await router.stats();
    expect(Object.values(malformed).reduce((a, b) => a + b, 0)).toBe(expected);
  });

  test('in a body whose framing is broken where it came with its head', async () => {
    const router = cleanup.add(await startTestRouter());
    const instance = cleanup.add(await new RawInstance().listen());
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port));
    client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n');
    expect(await client.seesEnd()).toMatch(/^HTTP\/1\.1 400 /);
    expect(instance.wires).toHaveLength(0);
    expect(await router.stats()).toMatchObject({
      malformed: { badChunk: 1 },
      versions: [{ requests: 0, inFlight: 0 }],
    });
  });
});

test('the words of a refusal arrive although the client goes on sending', async () => {
  const router = cleanup.add(await startTestRouter());
  const client = cleanup.wire(await dial(router.port));
  client.write('GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n');
  client.socket.write(Buffer.alloc(8 * 1024 * 1024, 'x'));
  await client.sees('not allowed\n');
  await client.seesEnd();
  expect(client.error).toBeNull();
});

test('a body that breaks its framing later ends both sides, and is the client’s own fault', async () => {
  const router = cleanup.add(await startTestRouter());
  const instance = cleanup.add(await new RawInstance().listen());
  await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
  const client = cleanup.wire(await dial(router.port));
  client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  const wire = await instance.wire(0);
  await wire.sees('hello');
  client.write('zz\r\n');
  expect(await client.seesEnd()).toMatch(/^HTTP\/1\.1 400 /);
  await wire.seesEnd();
  expect(wire.received).not.toContain('zz');
  expect(await router.counts('shop-r1')).toMatchObject({ requests: 1, clientGone: 1, inFlight: 0 });
});

describe('a slow client', () => {
  test('that does not finish its head is told so', async () => {
    const router = cleanup.add(await startTestRouter({ headMs: 200, clientIdleMs: 10_000 }));
    const client = cleanup.wire(await dial(router.port));
    client.write('GET / HTTP/1.1\r\n');
    // Bytes that trickle in don't move the deadline.
    const drip = setInterval(() => client.write('x: y\r\n'), 50);
    expect(await client.seesEnd()).toMatch(/^HTTP\/1\.1 408 /);
    clearInterval(drip);
    expect((await router.stats()).malformed).toEqual({ headTimeout: 1 });
  });

  test('that sends nothing is closed without a word', async () => {
    const router = cleanup.add(await startTestRouter({ clientIdleMs: 100 }));
    const client = cleanup.wire(await dial(router.port));
    expect(await client.seesEnd()).toBe('');
  });

  test('is not cut within a request, however long that takes', async () => {
    const router = cleanup.add(await startTestRouter({ clientIdleMs: 100, headMs: 100 }));
    const instance = cleanup.add(await new RawInstance().listen());
    await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(router.port));
    client.write(GET);
    const wire = await instance.wire(0);
    const since = performance.now();
    await eventually('four times the idle time to pass', () => performance.now() - since > 400);
    wire.write(ok('at last'));
    await client.sees('at last');
  });

  test('beyond the most connections is closed', async () => {
    const router = cleanup.add(await startTestRouter({ maxConnections: 1 }));
    cleanup.wire(await dial(router.port));
    const second = cleanup.wire(await dial(router.port));
    await second.seesEnd();
    expect((await router.stats()).malformed).toEqual({ tooManyConnections: 1 });
  });
});
