import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import {
  backend,
  balance,
  Cleanup,
  dial,
  fill,
  GET,
  ok,
  RawInstance,
  startTestRouter,
  type TestRouter,
  type Wire,
} from './support.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

async function behind(
  instance: RawInstance,
): Promise<{ router: TestRouter; client: Wire; instance: RawInstance }> {
  const router = cleanup.add(await startTestRouter());
  cleanup.add(await instance.listen());
  await router.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
  return { router, instance, client: cleanup.wire(await dial(router.port)) };
}

async function settled(router: TestRouter): Promise<void> {
  await eventually('every request to be counted', async () => {
    const counts = await router.counts('shop-r1');
    expect(balance(counts).ended).toBe(counts.requests);
    return counts.inFlight === 0;
  });
}

describe('an answer passes whole', () => {
  const revision = 'slipway-revision: shop-r1\r\n';
  const cases: {
    name: string;
    request?: string;
    answer: string;
    gets: string;
    kept: boolean;
    closeUpstream?: boolean;
  }[] = [
    {
      name: 'with a length',
      answer: ok('hello'),
      gets: `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n${revision}\r\nhello`,
      kept: true,
    },
    {
      name: 'without content',
      answer: ok(''),
      gets: `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${revision}\r\n`,
      kept: true,
    },
    {
      name: 'chunked, with an extension and trailers',
      answer:
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n5;a=b\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n',
      gets: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n${revision}\r\n5;a=b\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n`,
      kept: true,
    },
    {
      name: 'that ends by close',
      answer: 'HTTP/1.1 200 OK\r\n\r\nhello',
      gets: `HTTP/1.1 200 OK\r\n${revision}connection: close\r\n\r\nhello`,
      kept: false,
      closeUpstream: true,
    },
    {
      name: 'to HEAD, whose length describes nothing that comes',
      request: 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
      answer: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
      gets: `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n${revision}\r\n`,
      kept: true,
    },
    {
      name: '204',
      answer: 'HTTP/1.1 204 No Content\r\nx: y\r\n\r\n',
      gets: `HTTP/1.1 204 No Content\r\nx: y\r\n${revision}\r\n`,
      kept: true,
    },
    {
      name: '304 with a length',
      answer: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
      gets: `HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n${revision}\r\n`,
      kept: true,
    },
    {
      name: 'after 103',
      answer: `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok('hello')}`,
      gets: `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n${revision}\r\nhello`,
      kept: true,
    },
    {
      name: 'to a client that closes',
      request: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      answer: ok('hello'),
      gets: `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n${revision}connection: close\r\n\r\nhello`,
      kept: false,
    },
    {
      name: 'to HTTP/1.0',
      request: 'GET / HTTP/1.0\r\n\r\n',
      answer: ok('hello'),
      gets: `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n${revision}connection: close\r\n\r\nhello`,
      kept: false,
    },
    {
      name: 'to HTTP/1.0 that asks to be kept',
      request: 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
      answer: ok('hello'),
      gets: `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n${revision}connection: keep-alive\r\n\r\nhello`,
      kept: true,
    },
    {
      name: 'to HTTP/1.0 without its chunked framing, and without 100',
      request: 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
      answer:
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n',
      gets: `HTTP/1.1 200 OK\r\n${revision}connection: close\r\n\r\nhello`,
      kept: false,
    },
  ];

  test.each(cases)('$name', async ({ request, answer, gets, kept, closeUpstream }) => {
    const { router, client, instance } = await behind(RawInstance.answering(answer));
    client.write(request ?? GET);
    if (closeUpstream) {
      await client.sees('hello');
      (await instance.wire(0)).socket.end();
    }
    await eventually('the answer', () => client.received.length >= gets.length);
    if (!kept) await client.seesEnd();
    expect(client.received).toBe(gets);
    await settled(router);
    if (!kept) return;
    // The connection is good for another request, on the same upstream connection.
    client.write(request ?? GET);
    await eventually('the second answer', () => client.received === gets + gets);
    expect(instance.wires).toHaveLength(1);
  });

  test.each(cases.filter((c) => c.kept))(
    '$name, a few bytes at a time',
    async ({ request, answer, gets }) => {
      const instance = new RawInstance((wire) => {
        wire.socket.once('data', async () => {
          for (let at = 0; at < answer.length; at += 3) {
            wire.write(answer.slice(at, at + 3));
            await new Promise((resolve) => setImmediate(resolve));
          }
        });
      });
      const { client } = await behind(instance);
      client.write(request ?? GET);
      await eventually('the answer', () => client.received.length >= gets.length);
      expect(client.received).toBe(gets);
    },
  );
});

describe('a request passes whole', () => {
  const added = 'x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: a\r\n\r\n';

  test.each([
    { name: 'without a body', request: GET, gets: `GET / HTTP/1.1\r\nHost: a\r\n${added}` },
    {
      name: 'with a length',
      request: 'POST /p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
      gets: `POST /p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n${added}hello`,
    },
    {
      name: 'chunked, with trailers',
      request:
        'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n',
      gets: `PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${added}5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n`,
    },
    { name: 'behind an empty line', request: `\r\n${GET}`, gets: `GET / HTTP/1.1\r\nHost: a\r\n${added}` },
  ])('$name', async ({ request, gets }) => {
    const { client, instance } = await behind(new RawInstance());
    client.write(request);
    await eventually('the request', () => instance.received.length >= gets.length);
    expect(instance.received).toBe(gets);
  });

  test('however its bytes are split, and with others behind it', { timeout: 60_000 }, async () => {
    const requests = [
      'PUT /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n3\r\n\r\n\r\r\n0\r\nx-sum: 1\r\n\r\n',
      'POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nbody\r\n\r',
      'GET /3 HTTP/1.1\r\nHost: a\r\n\r\n',
    ];
    const bytes = requests.join('');
    const forwarded = requests.map((request) => request.replace('\r\n\r\n', `\r\n${added}`));
    // Answers each request when all of it came, by its own words.
    const instance = new RawInstance((wire) => {
      let answered = 0;
      wire.socket.on('data', () => {
        while (answered < 3 && wire.received.startsWith(forwarded.slice(0, answered + 1).join(''))) {
          wire.write(ok(`/${++answered}`));
        }
      });
    });
    const { router } = await behind(instance);
    const answer = (i: number): string =>
      `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nslipway-revision: shop-r1\r\n\r\n/${i}`;
    const all = [1, 2, 3].map(answer).join('');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { minLength: 1, maxLength: 12 }), async (cuts) => {
        const client = await dial(router.port);
        let from = 0;
        for (const to of [...cuts, bytes.length].sort((x, y) => x - y)) {
          client.write(bytes.slice(from, to));
          from = to;
          await new Promise((resolve) => setImmediate(resolve));
        }
        await eventually('three answers', () => client.received.length >= all.length);
        expect(client.received).toBe(all);
        expect(instance.wires.at(-1)?.received).toBe(forwarded.join(''));
        client.socket.destroy();
        // The next run has an upstream connection of its own.
        await router.handle.control.closeIdle('shop-r1-a');
      }),
      { numRuns: 60 },
    );
  });

  test('with Expect, whose 100 comes before the body', async () => {
    const { client, instance } = await behind(new RawInstance());
    client.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
    const wire = await instance.wire(0);
    expect(await wire.sees('\r\n\r\n')).toContain('Expect: 100-continue\r\n');
    wire.write('HTTP/1.1 100 Continue\r\n\r\n');
    expect(await client.sees('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.write('hello');
    await wire.sees('hello');
    wire.write(ok('thanks'));
    await client.sees('thanks');
  });

  test('with Expect that is answered without the body, after which the connection closes', async () => {
    const { router, client, instance } = await behind(new RawInstance());
    client.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
    const wire = await instance.wire(0);
    await wire.sees('\r\n\r\n');
    wire.write('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n');
    expect(await client.seesEnd()).toContain('connection: close\r\n');
    await eventually('the upstream connection to close', () => wire.ended || wire.closed);
    await settled(router);
  });
});

describe('pipelined requests', () => {
  test('are answered in their order', async () => {
    const instance = RawInstance.answering((request) => ok(request.split(' ')[1] ?? ''));
    const { client } = await behind(instance);
    const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
    client.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
    await client.sees('/19');
    expect([...client.received.matchAll(/\r\n\r\n(\/\d+)/g)].map((m) => m[1])).toEqual(paths);
  });

  test('behind one that closes are not answered', async () => {
    const { client, instance } = await behind(RawInstance.answering(ok('x')));
    client.write(`GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${GET}`);
    await client.seesEnd();
    expect(instance.received).not.toContain('GET / ');
  });

  test('wait without growing while one is slow', async () => {
    const { client, instance, router } = await behind(new RawInstance());
    client.write(GET);
    await (await instance.wire(0)).sees('\r\n\r\n');
    const piece = Buffer.from('GET /flood HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(30_000));
    const limit = 60_000_000;
    expect(await fill(client, piece, limit)).toBeLessThan(limit);
    expect(instance.wires).toHaveLength(1);
    expect((await router.counts('shop-r1')).requests).toBe(1);
  });
});

test('a client that ends its side after its request gets its answer', async () => {
  const { router, instance } = await behind(new RawInstance());
  const client = cleanup.wire(await dial(router.port, { allowHalfOpen: true }));
  client.socket.end(GET);
  const wire = await instance.wire(0);
  await wire.sees('\r\n\r\n');
  wire.write(ok('late'));
  expect(await client.seesEnd()).toContain('late');
  await settled(router);
});
