import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { backend, balance, Cleanup, dial, ok, RawInstance, startTestRouter, type Wire } from './support.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

/** What an instance does with a request, by the number in its path. */
const INSTANCE: readonly ((wire: Wire) => void)[] = [
  (wire) => wire.write(ok('fine')),
  (wire) => wire.write(ok('x'.repeat(200_000))),
  (wire) => wire.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n'),
  (wire) => wire.write('HTTP/1.1 204 No Content\r\n\r\n'),
  (wire) => wire.socket.end(),
  (wire) => wire.socket.resetAndDestroy(),
  (wire) => wire.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort'),
  (wire) => wire.socket.end('HTTP/1.1 200 OK\r\n\r\nby close'),
  (wire) => wire.socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n'),
  (wire) => wire.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
  (wire) => wire.write('nonsense\r\n\r\n'),
  (wire) => wire.write(`${ok('fine')}surplus`),
  (wire) => wire.socket.end(ok('fine', 'Connection: close\r\n')),
  (wire) =>
    wire.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n'),
  (wire) =>
    wire.write(
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n',
    ),
  () => undefined,
];

/** How a client asks for it. */
const CLIENT: readonly ((n: number) => string)[] = [
  (n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`,
  (n) => `GET /${n} HTTP/1.0\r\n\r\n`,
  (n) => `HEAD /${n} HTTP/1.1\r\nHost: a\r\n\r\n`,
  (n) => `POST /${n} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`,
  (n) => `PUT /${n} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  (n) => `POST /${n} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nshort`,
  (n) => `POST /${n} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
  (n) => `GET /${n} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
  () => 'GET / HTTP/1.1\r\n\r\n',
];

const END: readonly ((wire: Wire) => void)[] = [
  () => undefined,
  (wire) => wire.socket.end(),
  (wire) => wire.socket.destroy(),
  (wire) => wire.socket.resetAndDestroy(),
];

test('the books balance and nothing stays behind, whatever instances and clients do', {
  timeout: 120_000,
}, async () => {
  const limits = { headMs: 300, clientIdleMs: 300, lingerMs: 100 };
  const router = cleanup.add(await startTestRouter(limits));
  const instance = cleanup.add(
    await new RawInstance((wire) => {
      let from = 0;
      wire.socket.on('data', () => {
        const head = /[A-Z]+ \/(\d+) HTTP\/1\.1\r\n[\s\S]*?\r\n\r\n/g;
        head.lastIndex = from;
        for (let found = head.exec(wire.received); found !== null; found = head.exec(wire.received)) {
          from = head.lastIndex;
          INSTANCE[Number(found[1])]?.(wire);
        }
      });
    }).listen(),
  );
  const timeouts = { connectMs: 500, responseHeadMs: 300, idleMs: 300 };
  await router.put(
    [backend('shop-r1-a', instance.port), backend('shop-r2-a', 1)],
    { 'shop-r1': 80, 'shop-r2': 20 },
    { timeouts },
  );
  const step = fc.tuple(fc.nat(INSTANCE.length - 1), fc.nat(CLIENT.length - 1));
  const client = fc.tuple(
    fc.array(step, { minLength: 1, maxLength: 4 }),
    fc.nat(END.length - 1),
    fc.boolean(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(client, { minLength: 1, maxLength: 12 }), async (clients) => {
      await Promise.all(
        clients.map(async ([steps, end, pipelined]) => {
          const wire = await dial(router.port);
          for (const [answer, ask] of steps) {
            wire.write(CLIENT[ask]?.(answer) ?? '');
            if (!pipelined) await new Promise((resolve) => setImmediate(resolve));
          }
          END[end]?.(wire);
          // Streams last until their idle time is over; everything else ends before.
          await eventually('the end of a client', () => wire.closed || wire.ended, { timeoutMs: 20_000 });
          wire.socket.destroy();
        }),
      );
      await eventually('everything to be over', async () => {
        const { versions, preview } = await router.stats();
        for (const counts of versions) expect(balance(counts).ended).toBe(counts.requests);
        const load = await router.handle.control.load('shop-r1-a');
        expect(load).toMatchObject({ requests: 0, streams: 0 });
        return preview.length === 0 && versions.every((counts) => counts.inFlight === 0);
      });
    }),
    { numRuns: 40 },
  );
  const counted = await router.counts('shop-r1');
  expect(counted.completed).toBeGreaterThan(0);
  for (const cause of ['reset', 'cut', 'timeout'] as const)
    expect(counted.failed[cause], cause).toBeGreaterThan(0);
  expect(counted.clientGone).toBeGreaterThan(0);
});
