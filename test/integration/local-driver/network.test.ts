import { createServer, type Server } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { nodeNetwork } from '../../../src/lib/network-node.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/ports.ts';

const network = nodeNetwork();
const servers: (Server | net.Server)[] = [];
afterEach(() => {
  network.close();
  for (const server of servers.splice(0)) server.close();
});

const listen = async (server: Server | net.Server): Promise<number> => {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
const raw = (answer: string, options: { end?: boolean } = {}): Promise<number> =>
  listen(
    net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => (options.end === false ? socket.write(answer) : socket.end(answer)));
    }),
  );

describe('the network', () => {
  it('answers status, lower-case headers and body', async () => {
    const port = await listen(
      createServer((request, response) => {
        response.writeHead(201, { 'X-Seen': `${request.method} ${request.url} ${request.headers.host}` });
        request.pipe(response);
      }),
    );
    const answer = await network.request({
      url: 'http://shop.localhost/a?b=1',
      method: 'POST',
      body: 'hello',
      timeoutMs: 1_000,
      connectTo: { host: '127.0.0.1', port },
    });
    expect(answer).toMatchObject({ status: 201, truncated: false });
    expect(answer.headers['x-seen']).toBe('POST /a?b=1 shop.localhost');
    expect(answer.body.toString()).toBe('hello');
  });

  it('follows no redirect and reads no proxy from the environment', async () => {
    const port = await listen(
      createServer((_request, response) => response.writeHead(302, { location: 'http://elsewhere/' }).end()),
    );
    process.env.http_proxy = `http://127.0.0.1:${await freePort()}`;
    try {
      const answer = await network.request({ url: `http://127.0.0.1:${port}/`, timeoutMs: 1_000 });
      expect(answer.status).toBe(302);
    } finally {
      delete process.env.http_proxy;
    }
  });

  const breaks: [string, () => { timeoutMs: number; signal?: AbortSignal }, string][] = [
    ['in its time', () => ({ timeoutMs: 100 }), 'no complete answer'],
    [
      'until it is called off',
      () => ({ timeoutMs: 9_000, signal: AbortSignal.abort(new Error('called off')) }),
      'called off',
    ],
    ['as it is called off', () => ({ timeoutMs: 9_000, signal: AbortSignal.timeout(100) }), 'timeout'],
  ];
  it.each(breaks)('resets what is not answered %s, so that nobody works on for it', async (_, how, says) => {
    const ends: string[] = [];
    const port = await listen(
      net.createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('data', () => undefined);
        socket.on('end', () => ends.push('end'));
        socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? ''));
      }),
    );
    const order = how();
    const called = order.signal?.aborted === true;
    const asked = network.request({ url: `http://127.0.0.1:${port}/`, fresh: true, ...order });
    await expect(asked).rejects.toThrow(says);
    if (!called) await eventually('the other side to know', async () => ends[0] === 'ECONNRESET');
  });

  it('reuses connections unless a fresh one is asked for', async () => {
    const ports = new Set<number | undefined>();
    const port = await listen(
      createServer((request, response) => {
        ports.add(request.socket.remotePort);
        response.end('x');
      }),
    );
    const url = `http://127.0.0.1:${port}/`;
    for (let i = 0; i < 3; i += 1) await network.request({ url, timeoutMs: 1_000 });
    expect(ports.size).toBe(1);
    for (let i = 0; i < 3; i += 1) await network.request({ url, timeoutMs: 1_000, fresh: true });
    expect(ports.size).toBe(4);
  });

  it('repeats on a new connection what met a kept one that was just closed', async () => {
    let served = 0;
    const port = await listen(
      net.createServer((socket) => {
        socket.on('error', () => undefined);
        let first = true;
        socket.on('data', () => {
          if (!first) socket.destroy();
          else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
          first = false;
          served += 1;
        });
      }),
    );
    const url = `http://127.0.0.1:${port}/`;
    expect((await network.request({ url, timeoutMs: 1_000 })).status).toBe(200);
    expect((await network.request({ url, timeoutMs: 1_000 })).status).toBe(200);
    expect(served).toBe(3);
    await expect(network.request({ url, method: 'GET', timeoutMs: 1_000 })).resolves.toBeDefined();
    await expect(network.request({ url, method: 'POST', timeoutMs: 1_000 })).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
  });

  it('cuts a body at maxBytes and says so', async () => {
    const port = await listen(createServer((_request, response) => response.end('x'.repeat(100_000))));
    const answer = await network.request({
      url: `http://127.0.0.1:${port}/`,
      timeoutMs: 1_000,
      maxBytes: 10,
    });
    expect(answer.truncated).toBe(true);
    expect(answer.body).toHaveLength(10);
  });

  const failures: [string, () => Promise<number>, string][] = [
    ['nobody listens', freePort, 'ECONNREFUSED'],
    ['the connection closes without an answer', () => raw(''), 'ECONNRESET'],
    ['the body is cut short', () => raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'), 'ECONNRESET'],
    ['it is not HTTP', () => raw('SSH-2.0-x\r\n\r\n'), 'EPROTO'],
    ['no answer comes', () => raw('HTTP/1.1 200', { end: false }), 'ETIMEDOUT'],
    [
      'the body never ends',
      () => raw('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na', { end: false }),
      'ETIMEDOUT',
    ],
  ];
  it.each(failures)('rejects with a code when %s', async (_name, serve, code) => {
    const url = `http://127.0.0.1:${await serve()}/`;
    await expect(network.request({ url, timeoutMs: 200 })).rejects.toMatchObject({ code });
  });

  it('connects and closes, or says why not', async () => {
    const port = await listen(net.createServer((socket) => socket.destroy()));
    await network.connect({ host: '127.0.0.1', port, timeoutMs: 1_000 });
    await expect(
      network.connect({ host: '127.0.0.1', port: await freePort(), timeoutMs: 1_000 }),
    ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
