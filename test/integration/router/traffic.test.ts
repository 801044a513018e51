import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { backend, balance, Cleanup, dial, GET, ok, RawInstance, startTestRouter } from './support.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

async function router(limits = {}) {
  return cleanup.add(await startTestRouter(limits));
}

async function answering(body: string): Promise<RawInstance> {
  return cleanup.add(await RawInstance.answering(ok(body)).listen());
}

describe('a kept client connection', () => {
  test('follows the new table at its next request, and its request finishes where it is', async () => {
    const r = await router();
    const one = cleanup.add(await new RawInstance().listen());
    const two = await answering('two');
    const backends = [backend('shop-r1-a', one.port), backend('shop-r2-a', two.port)];
    await r.put(backends, { 'shop-r1': 100, 'shop-r2': 0 });
    const client = cleanup.wire(await dial(r.port));
    client.write(GET);
    const wire = await one.wire(0);
    await wire.sees('\r\n\r\n');
    await r.put(backends, { 'shop-r1': 0, 'shop-r2': 100 });
    const other = cleanup.wire(await dial(r.port));
    other.write(GET);
    await other.sees('two');
    wire.write(ok('one'));
    expect(await client.sees('one')).toContain('slipway-revision: shop-r1');
    client.write(GET);
    expect(await client.sees('two')).toContain('slipway-revision: shop-r2');
  });

  test('keeps its version by cookie until that has no weight', async () => {
    const r = await router();
    const one = await answering('one');
    const two = await answering('two');
    const backends = [backend('shop-r1-a', one.port), backend('shop-r2-a', two.port)];
    const sticky = { cookie: 'slipway' };
    await r.put(backends, { 'shop-r1': 50, 'shop-r2': 50 }, { sticky });
    const client = cleanup.wire(await dial(r.port));
    client.write(GET);
    expect(await client.sees('one')).toContain(
      'set-cookie: slipway=shop-r1; Path=/; HttpOnly; SameSite=Lax\r\n',
    );
    const kept = 'GET / HTTP/1.1\r\nHost: a\r\nCookie: x=y; slipway=shop-r1\r\n\r\n';
    for (let i = 2; i <= 6; i++) {
      client.write(kept);
      await eventually(`answer ${i}`, () => client.received.split('\r\n\r\none').length - 1 === i);
    }
    expect(client.received.match(/set-cookie/g)).toHaveLength(1);
    await r.put(backends, { 'shop-r1': 0, 'shop-r2': 100 }, { sticky });
    client.write(kept);
    expect(await client.sees('two')).toContain('set-cookie: slipway=shop-r2;');
  });
});

describe('a preview', () => {
  const ask = (name: string): string => `GET / HTTP/1.1\r\nHost: a\r\nslipway-preview: ${name}\r\n\r\n`;

  test('reaches what public traffic does not, and is counted apart', async () => {
    const r = await router();
    const one = await answering('one');
    const two = await answering('two');
    const backends = [
      backend('shop-r1-a', one.port),
      backend('shop-r2-a', two.port, 'preview'),
      backend('shop-r2-b', two.port, 'preview'),
    ];
    await r.put(backends, { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(r.port));
    client.write(ask('shop-r2'));
    expect(await client.sees('two')).toContain(
      'slipway-revision: shop-r2\r\nslipway-instance: shop-r2-a\r\n',
    );
    client.write(ask('shop-r2-b'));
    await client.sees('slipway-instance: shop-r2-b\r\n');
    expect(two.received).not.toContain('slipway-preview');
    client.write(GET);
    expect(await client.sees('one')).not.toMatch(/shop-r1[\s\S]*slipway-instance/);
    const stats = await r.stats();
    expect(stats.versions).toEqual([expect.objectContaining({ version: 'shop-r1', requests: 1 })]);
    expect(stats.preview).toEqual([
      expect.objectContaining({ version: 'shop-r2', requests: 2, completed: 2 }),
    ]);
  });

  test('of a version goes round its instances', async () => {
    const r = await router();
    const two = await answering('two');
    await r.put(
      ['a', 'b', 'c'].map((id) => backend(`shop-r2-${id}`, two.port, 'preview')),
      {},
    );
    const client = cleanup.wire(await dial(r.port));
    for (let i = 1; i <= 6; i++) {
      client.write(ask('shop-r2'));
      await eventually(`answer ${i}`, () => client.received.split('\r\n\r\ntwo').length - 1 === i);
    }
    expect([...client.received.matchAll(/instance: shop-r2-(.)/g)].map((m) => m[1]).join('')).toBe('abcabc');
  });

  test.each([
    ['nobody knows', 'shop-r9', 404, /no version and no instance/],
    ['is draining', 'shop-r1', 404, /drained/],
  ])('of what %s never falls back to public traffic', async (_, name, status, text) => {
    const r = await router();
    const public_ = await answering('public');
    await r.put([backend('shop-r2-a', public_.port), backend('shop-r1-a', public_.port, 'draining')], {
      'shop-r2': 100,
    });
    const client = cleanup.wire(await dial(r.port));
    client.write(ask(name));
    const answer = await client.sees('slipway: preview');
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(text);
    expect(public_.received).toBe('');
  });

  test('of an instance that is down fails, and is no failure of public traffic', async () => {
    const r = await router();
    const one = await answering('one');
    await r.put([backend('shop-r1-a', one.port), backend('shop-r2-a', 1, 'preview')], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(r.port));
    client.write(ask('shop-r2-a'));
    await client.sees('502');
    const stats = await r.stats();
    expect(stats.preview[0]).toMatchObject({ failed: { refused: 1 } });
    expect(stats.versions[0]).toMatchObject({ requests: 0 });
    expect(one.received).toBe('');
  });

  test('that an instance drops is none of the failures that its drain asks for', async () => {
    const r = await router();
    const instance = cleanup.add(await new RawInstance().listen());
    await r.put([backend('shop-r1-a', instance.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(r.port));
    client.write(ask('shop-r1-a'));
    const wire = await instance.wire(0);
    await wire.sees('\r\n\r\n');
    wire.socket.end();
    await client.sees('502');
    expect((await r.stats()).preview[0]).toMatchObject({ failed: { reset: 1 } });
    expect(await r.handle.control.load('shop-r1-a')).toMatchObject({ failed: { reset: 0 } });
  });
});

describe('an instance that is being drained', () => {
  test('takes nothing new, finishes what is inside, and keeps no idle connection', async () => {
    const r = await router();
    const one = cleanup.add(await new RawInstance().listen());
    const two = await answering('two');
    await r.put([backend('shop-r1-a', one.port), backend('shop-r1-b', two.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(r.port));
    client.write(GET);
    const wire = await one.wire(0);
    await wire.sees('\r\n\r\n');
    await r.put([backend('shop-r1-a', one.port, 'draining'), backend('shop-r1-b', two.port)], {
      'shop-r1': 100,
    });
    const { control } = r.handle;
    expect(await control.awaitDrained('shop-r1-a', { streams: false, timeoutMs: 50 })).toMatchObject({
      requests: 1,
    });
    const other = cleanup.wire(await dial(r.port));
    for (let i = 1; i <= 4; i++) {
      other.write(GET);
      await eventually(`answer ${i}`, () => other.received.split('two').length - 1 === i);
    }
    const drained = control.awaitDrained('shop-r1-a', { streams: true, timeoutMs: 10_000 });
    wire.write(ok('one'));
    expect(await drained).toMatchObject({ requests: 0, streams: 0, idleConnections: 0 });
    await client.sees('one');
    await wire.seesEnd();
    expect(one.wires).toHaveLength(1);
  });

  test('has its idle connections closed on demand, and is forgotten when the table drops it', async () => {
    const r = await router();
    const one = await answering('one');
    await r.put([backend('shop-r1-a', one.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(r.port));
    client.write(GET);
    await client.sees('one');
    const { control } = r.handle;
    await eventually(
      'an idle connection',
      async () => (await control.load('shop-r1-a'))?.idleConnections === 1,
    );
    await r.put([backend('shop-r1-a', one.port, 'draining')], { 'shop-r1': 100 });
    expect(await control.closeIdle('shop-r1-a')).toEqual({ closed: 1 });
    await one.wires[0]?.seesEnd();
    expect(await control.load('shop-r1-a')).toMatchObject({ idleConnections: 0 });
    await r.put([], {});
    expect(await control.load('shop-r1-a')).toBeUndefined();
    expect(await control.closeIdle('shop-r1-a')).toEqual({ closed: 0 });
    expect(await control.awaitDrained('shop-r1-a', { streams: true, timeoutMs: 0 })).toMatchObject({
      requests: 0,
    });
  });

  test('is known until its last request is over, although no table names it', async () => {
    const r = await router();
    const one = cleanup.add(await new RawInstance().listen());
    const two = await answering('two');
    await r.put([backend('shop-r1-a', one.port)], { 'shop-r1': 100 });
    const client = cleanup.wire(await dial(r.port));
    client.write(GET);
    const wire = await one.wire(0);
    await wire.sees('\r\n\r\n');
    await r.put([backend('shop-r2-a', two.port)], { 'shop-r2': 100 });
    expect(await r.handle.control.load('shop-r1-a')).toMatchObject({ requests: 1 });
    wire.write(ok('one'));
    await client.sees('one');
    await eventually(
      'it to be forgotten',
      async () => (await r.handle.control.load('shop-r1-a')) === undefined,
    );
  });
});

/** An application as people write it, on Node's own server. */
async function app(version: string): Promise<{ port: number; server: Server; close(): Promise<void> }> {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      setTimeout(() => res.end(`${version} ${Buffer.concat(chunks).length}`), Math.random() * 5);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return cleanup.add({
    port: (server.address() as AddressInfo).port,
    server,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

test('versions change under load and old instances end after their drain: no request fails', {
  timeout: 60_000,
}, async () => {
  const r = await router();
  const { control } = r.handle;
  let stopped = false;
  let sent = 0;
  const failures: string[] = [];
  const versions = new Set<string>();
  const send = (agent: Agent, method: string): Promise<void> =>
    new Promise((resolve) => {
      sent++;
      const body = method === 'POST' ? 'x'.repeat(10_000) : '';
      const fail = (error: Error): void => {
        failures.push(`${method}: ${error.message}`);
        resolve();
      };
      const out = request({ port: r.port, host: '127.0.0.1', agent, method }, (res) => {
        let text = '';
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => {
          text += chunk;
        });
        res.on('error', fail);
        res.on('end', () => {
          const version = String(res.headers['slipway-revision']);
          versions.add(version);
          if (text !== `${version} ${body.length}`) failures.push(`${method}: ${res.statusCode} ${text}`);
          resolve();
        });
      });
      out.on('error', fail);
      // Without a length: chunked.
      if (body !== '') out.write(body.slice(0, 5_000));
      out.end(body.slice(5_000));
    });

  let current = await app('shop-r0');
  await r.put([backend('shop-r0-a', current.port)], { 'shop-r0': 100 });
  const clients = Array.from({ length: 16 }, async (_, i) => {
    const agent = new Agent({ keepAlive: i % 4 !== 0, maxSockets: 1 });
    while (!stopped) await send(agent, i % 3 === 0 ? 'POST' : 'GET');
    agent.destroy();
  });
  for (let release = 1; release <= 25; release++) {
    const [from, to] = [`shop-r${release - 1}`, `shop-r${release}`];
    const next = await app(to);
    const blue = backend(`${from}-a`, current.port);
    const green = backend(`${to}-a`, next.port);
    await r.put([blue, green], { [from]: 50, [to]: 50 });
    const before = sent;
    await eventually('some requests', () => sent > before + 20);
    await r.put([{ ...blue, state: 'draining' }, green], { [to]: 100 });
    await control.awaitDrained(blue.id, { streams: true, timeoutMs: 10_000 });
    await control.closeIdle(blue.id);
    // What still comes to the old instance from here on would be reset.
    await current.close();
    await r.put([green], { [to]: 100 });
    current = next;
  }
  stopped = true;
  await Promise.all(clients);
  expect(failures).toEqual([]);
  expect(versions.size).toBe(26);
  const stats = await r.stats();
  expect(stats.versions.reduce((n, v) => n + v.requests, 0)).toBe(sent);
  for (const counts of stats.versions) {
    expect(balance(counts)).toEqual({ started: counts.requests, ended: counts.requests });
    expect(counts).toMatchObject({ completed: counts.requests, clientGone: 0, inFlight: 0 });
  }
});
