import { existsSync, linkSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApiClient } from '../../../src/server/api-client.ts';
import { application, type Harness, startHarness, until } from './harness.ts';

let directory: string;
let socket: string;
let harness: Harness | undefined;
const closing: (() => void)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-local-'));
  socket = join(directory, 'api.sock');
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await harness?.stop();
  harness = undefined;
  rmSync(directory, { recursive: true, force: true });
});

const start = async () => {
  harness = await startHarness({ overrides: { socket } });
  return harness;
};

/** By the socket alone, unless a server is named. */
const client = (token: string, more: { server?: string; ca?: string; timeoutMs?: number } = {}) => {
  const api = createApiClient({
    server: 'https://127.0.0.1:1',
    token,
    version: '0.1.0-test',
    socket,
    ...more,
  });
  closing.push(() => api.close());
  return api;
};

/** Something else that listens there. */
const listen = (serve: (from: Socket) => void): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer(serve);
    closing.push(() => server.close());
    server.listen(socket, () => resolve(server));
  });

/** What a kill leaves: the file, and nobody behind it. Closing would remove it. */
const leaveBehind = async (): Promise<void> => {
  const server = await listen(() => undefined);
  linkSync(socket, join(directory, 'kept'));
  await new Promise((resolve) => server.close(resolve));
  renameSync(join(directory, 'kept'), socket);
};

describe('the API at a Unix socket', () => {
  test('reads and writes as it does over TLS, errors included', async () => {
    const { tokenOf } = await start();
    const api = client(tokenOf('admin'));
    const made = await api.create(application('shop'));
    const patch = { metadata: { labels: { team: 'web' }, annotations: { who: 'Zoë' } } };
    const patched = await api.patch('Application', 'shop', patch);
    expect(patched.metadata).toMatchObject({ uid: made.metadata.uid, annotations: { who: 'Zoë' } });
    expect((await api.list('Application', { labels: { team: 'web' } })).items).toEqual([patched]);
    await expect(api.get('Application', 'none')).rejects.toMatchObject({ code: 'notFound' });
    await expect(api.create(application('shop'))).rejects.toMatchObject({ code: 'alreadyExists' });
    await api.delete('Application', 'shop');
  });

  test('asks for a token and for the right', async () => {
    const { tokenOf } = await start();
    await expect(client('slw_nobody').list('Release')).rejects.toMatchObject({ code: 'unauthorized' });
    const viewer = client(tokenOf('viewer'));
    await viewer.list('Release');
    await expect(viewer.create(application('shop'))).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('is for its owner alone, and goes when the server stops', async () => {
    const { server } = await start();
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    await server.stop();
    expect(existsSync(socket)).toBe(false);
  });

  test('takes the place of a socket that a killed manager left', async () => {
    await leaveBehind();
    const { tokenOf } = await start();
    await client(tokenOf('admin')).list('Release');
  });

  test('answers what is too large before it was read', async () => {
    const { tokenOf } = await start();
    const large = {
      ...application('shop'),
      metadata: { name: 'shop', annotations: { a: 'x'.repeat(8_000_000) } },
    };
    await expect(client(tokenOf('admin')).create(large)).rejects.toMatchObject({ code: 'tooLarge' });
  });
});

describe('a client with a socket', () => {
  test.each([
    ['nobody listens there', async () => undefined],
    ['a killed manager left it', () => leaveBehind()],
  ])('asks the address where %s', async (_, prepare) => {
    await prepare();
    harness = await startHarness();
    const api = client(harness.tokenOf('admin'), {
      server: harness.server.url,
      ca: harness.certificates.ca,
    });
    expect((await api.list('Release')).items).toEqual([]);
  });

  test('asks the address where a manager that ends lets go of it, unless that could do anything twice', async () => {
    harness = await startHarness();
    const { server, certificates, tokenOf, store } = harness;
    await listen((from) => {
      from.on('error', () => undefined);
      from.once('data', () => from.destroy());
    });
    const api = client(tokenOf('admin'), { server: server.url, ca: certificates.ca });
    expect((await api.list('Release')).items).toEqual([]);
    await expect(api.create(application('shop'))).rejects.toMatchObject({ code: 'unavailable' });
    expect((await store.list('Application', {})).items).toEqual([]);
  });

  test('streams and uploads by the address', async () => {
    const { server, certificates, tokenOf, artifacts } = await start();
    const api = client(tokenOf('admin'), { server: server.url, ca: certificates.ca });
    const stop = new AbortController();
    const events = api.watch('Application', { signal: stop.signal })[Symbol.asyncIterator]();
    await api.create(application('shop'));
    expect((await events.next()).value).toMatchObject({ type: 'ADDED' });
    stop.abort();
    expect(artifacts.contents.size).toBe(0);
  });

  test.each<[string, (from: Socket) => void, string]>([
    ['breaks off', (from) => from.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{'), 'unavailable'],
    ['says nothing', () => undefined, 'timeout'],
    ['is none of ours', (from) => from.end('hello\r\n\r\n'), 'internal'],
  ])('says so where who answers %s, and asks nobody else', async (_, serve, code) => {
    const open: Socket[] = [];
    await listen((from) => {
      open.push(from);
      from.once('data', () => serve(from));
      from.on('error', () => undefined);
    });
    await expect(client('slw_x', { timeoutMs: 50 }).list('Release')).rejects.toMatchObject({ code });
    await until('the connection is given up', () =>
      open.every((from) => from.destroyed || from.readableEnded),
    );
    for (const from of open) from.destroy();
  });
});
