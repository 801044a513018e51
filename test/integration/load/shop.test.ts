/** The example shop by itself: what it answers, how it ends, and that its switches do what they say. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { parse } from 'yaml';
import { Application } from '../../../src/api/application.ts';
import { eventually } from '../../support/eventually.ts';
import { ShopProcess } from '../../support/load/shop-process.ts';

const EXAMPLE = new URL('../../../examples/shop/', import.meta.url);

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function get(
  url: string,
  options: { agent?: Agent; method?: string; body?: Buffer } = {},
): Promise<Got> {
  const sent = request(url, { method: options.method ?? 'GET', agent: options.agent ?? false });
  sent.end(options.body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

const digestOf = (body: Buffer) => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;

describe('the shop', () => {
  it('answers each of its requests', async () => {
    await using shop = await ShopProcess.start({ version: 'v2' });
    expect((await get(`${shop.url}/healthz`)).status).toBe(200);
    expect(JSON.parse((await get(`${shop.url}/version`)).body.toString())).toMatchObject({
      version: '2.0.0',
    });
    expect((await get(`${shop.url}/`)).body.toString()).toContain('Shop 2.0.0');
    expect((await get(`${shop.url}/nothing`)).status).toBe(404);
    expect((await get(`${shop.url}/slow?ms=5`)).body.toString()).toBe('waited 5 ms\n');
    for (const bytes of [0, 1, 65_521, 200_000]) {
      const item = await get(`${shop.url}/item?bytes=${bytes}`);
      expect(item.body.length).toBe(bytes);
      expect(item.headers['content-digest']).toBe(digestOf(item.body));
    }
    const body = Buffer.alloc(100_000, 'x');
    const upload = await get(`${shop.url}/upload`, { method: 'POST', body });
    const sha256 = createHash('sha256').update(body).digest('hex');
    expect(JSON.parse(upload.body.toString())).toEqual({ length: 100_000, sha256, trailer: null });
  });

  const refused = [
    '/item?bytes=-1',
    '/item?bytes=99999999999',
    '/item?bytes=x',
    '/slow?ms=1e9',
    '/events?interval=x',
  ];
  it('refuses numbers that it cannot serve', async () => {
    await using shop = await ShopProcess.start();
    for (const path of refused) expect((await get(shop.url + path)).status, path).toBe(400);
  });

  it('finishes its requests, ends its streams and exits with 0 on SIGTERM', async () => {
    await using shop = await ShopProcess.start();
    const agent = new Agent({ keepAlive: true });
    await get(`${shop.url}/`, { agent });
    const fresh = connect(shop.port, '127.0.0.1');
    await once(fresh, 'connect');
    const slow = get(`${shop.url}/slow?ms=300`);
    const stream = request(`${shop.url}/events`, { agent: false }).end();
    const [events] = (await once(stream, 'response')) as [IncomingMessage];
    let text = '';
    events.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const socket = new WebSocket(`ws://127.0.0.1:${shop.port}/ws`);
    await once(socket, 'open');
    socket.send('hello');
    const [echo] = (await once(socket, 'message')) as [Buffer];
    expect(echo.toString()).toBe('hello');
    await eventually('an event', () => text.includes('id: 1\n'));

    const ended = once(events, 'end');
    const closed = once(socket, 'close');
    shop.child.kill('SIGTERM');
    await ended;
    expect(events.complete).toBe(true);
    expect((await closed)[0]).toBe(1001);
    expect((await slow).body.toString()).toBe('waited 300 ms\n');
    expect(await shop.exited).toEqual({ code: 0, signal: null });
    fresh.destroy();
    agent.destroy();
  });

  const lateStreams: ReadonlyArray<[name: string, head: string, end: string]> = [
    ['event stream', 'GET /events HTTP/1.1\r\nhost: shop\r\n\r\n', '\r\n0\r\n\r\n'],
    [
      'WebSocket',
      'GET /ws HTTP/1.1\r\nhost: shop\r\nconnection: Upgrade\r\nupgrade: websocket\r\n' +
        'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      '\r\n\r\n\x88\x0c\x03\xe9going away',
    ],
  ];
  it.each(lateStreams)('ends a late %s properly too', async (_name, head, end) => {
    await using shop = await ShopProcess.start();
    const late = connect(shop.port, '127.0.0.1');
    await once(late, 'connect');
    late.write(head.slice(0, 10));
    // The half head is with the shop when a later request has been answered.
    expect((await get(`${shop.url}/healthz`)).status).toBe(200);
    shop.child.kill('SIGTERM');
    await eventually('the shop to stop', () => shop.output.includes('stops:'));
    late.write(head.slice(10));
    let answer = '';
    late.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    await eventually('a proper end', () => answer.endsWith(end));
    late.end();
    expect(await shop.exited).toEqual({ code: 0, signal: null });
  });

  it.each(['v1', 'v2', 'v3'])('%s differs in version.json alone and stands by itself', async (version) => {
    const directory = new URL(`${version}/`, EXAMPLE);
    const entries = await readdir(directory, { withFileTypes: true });
    expect(entries.every((entry) => entry.isFile())).toBe(true);
    for (const { name } of entries.filter((entry) => entry.name !== 'version.json')) {
      const [own, first] = await Promise.all([
        readFile(new URL(name, directory), 'utf8'),
        readFile(new URL(`v1/${name}`, EXAMPLE), 'utf8'),
      ]);
      expect(own, name).toBe(first);
    }
    const { version: stated } = JSON.parse(await readFile(new URL('version.json', directory), 'utf8'));
    expect(stated).toBe(`${version.slice(1)}.0.0`);
  });

  it.each(['shop', 'web-server', 'worker'])('examples/%s/app.yaml is an Application', async (name) => {
    const file = await readFile(new URL(`../${name}/app.yaml`, EXAMPLE), 'utf8');
    const parsed = Application.safeParse(parse(file));
    expect(parsed.error?.issues ?? []).toEqual([]);
  });
});

describe('the mischief of the shop', () => {
  it('NEVER_READY is alive and not ready', async () => {
    await using shop = await ShopProcess.start({ env: { NEVER_READY: '1' } });
    expect((await get(`${shop.url}/healthz`)).status).toBe(503);
    expect((await get(`${shop.url}/version`)).status).toBe(200);
  });

  it('START_DELAY_MS listens late', async () => {
    const startedAt = performance.now();
    await using _shop = await ShopProcess.start({ env: { START_DELAY_MS: '400' } });
    expect(performance.now() - startedAt).toBeGreaterThan(390);
  });

  it.each([
    ['CRASH_ON_START', '1'],
    ['CRASH_AFTER_MS', '50'],
  ])('%s says why and exits with 1', async (name, value) => {
    await using shop = new ShopProcess({ env: { [name]: value } });
    expect(await shop.exited).toEqual({ code: 1, signal: null });
    expect(shop.output).toContain(`crashes because ${name} is set`);
    expect(shop.portOrUndefined !== undefined).toBe(name === 'CRASH_AFTER_MS');
  });

  it('IGNORE_SIGTERM goes on', async () => {
    await using shop = await ShopProcess.start({ env: { IGNORE_SIGTERM: '1' } });
    shop.child.kill('SIGTERM');
    expect((await get(`${shop.url}/slow?ms=100`)).status).toBe(200);
    shop.child.kill('SIGKILL');
    expect(await shop.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('LIE_READY=reset says ready and resets the rest', async () => {
    await using shop = await ShopProcess.start({ env: { LIE_READY: 'reset' } });
    expect((await get(`${shop.url}/healthz`)).status).toBe(200);
    await expect(get(`${shop.url}/version`)).rejects.toThrow(/ECONNRESET|hang up/);
  });

  it('LIE_READY=hang says ready and never answers the rest', async () => {
    await using shop = await ShopProcess.start({ env: { LIE_READY: 'hang' } });
    const hung = request(`${shop.url}/version`, { agent: false }).end();
    let answered = false;
    hung.on('response', () => {
      answered = true;
    });
    hung.on('error', () => undefined);
    await once(hung, 'finish');
    for (let i = 0; i < 5; i += 1) expect((await get(`${shop.url}/healthz`)).status).toBe(200);
    expect(answered).toBe(false);
    hung.destroy();
  });

  it.each([
    ['1', 'v1', 500],
    ['2.0.0', 'v2', 500],
    ['2.0.0', 'v1', 200],
  ] as const)('BUGGY_VERSION=%s makes %s answer %i', async (value, version, status) => {
    await using shop = await ShopProcess.start({ version, env: { BUGGY_VERSION: value } });
    expect((await get(`${shop.url}/version`)).status).toBe(status);
    expect((await get(`${shop.url}/healthz`)).status).toBe(200);
  });

  it('LOG_FLOOD floods', async () => {
    await using shop = await ShopProcess.start({ env: { LOG_FLOOD: '2000' } });
    await eventually('a flooded log', () => shop.output.length >= 100_000);
    expect((await get(`${shop.url}/healthz`)).status).toBe(200);
  });
});
