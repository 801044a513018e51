import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/lib/log.ts';
import { ControlSocketClient, RouterUnavailable } from '../../../src/router/control-socket-client.ts';
import { type RouterHandle, startRouter } from '../../../src/router/router.ts';
import type { RouteTable } from '../../../src/router/table.ts';
import { backend, Cleanup, dial, GET, ok, RawInstance, route } from './support.ts';

const cleanup = new Cleanup();
let directory = '';
let controlPath = '';
let tableFile = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-control-'));
  controlPath = join(directory, 'control.sock');
  tableFile = join(directory, 'state', 'table.json');
});
afterEach(async () => {
  await cleanup.run();
  await chmod(directory, 0o700);
  await rm(directory, { recursive: true, force: true });
});

async function start(): Promise<RouterHandle> {
  const handle = await startRouter({
    listen: [{ host: '127.0.0.1', port: 0 }],
    controlPath,
    tableFile,
    log: silentLog,
  });
  cleanup.add({ close: () => handle.stop(0) });
  return handle;
}

function table(generation: number, port = 1): RouteTable {
  const versions = [{ version: 'shop-r1', weight: 100 }];
  return { generation, routes: [route({ versions })], backends: [backend('shop-r1-a', port)] };
}

describe('the control socket', () => {
  test('can be opened by its user alone', async () => {
    await start();
    expect((await stat(controlPath)).mode & 0o777).toBe(0o600);
  });

  test('carries every call', async () => {
    const handle = await start();
    const instance = cleanup.add(await RawInstance.answering(ok('x')).listen());
    const client = new ControlSocketClient(controlPath);
    const put = await client.putTable(table(1, instance.port));
    expect(put).toEqual({ generation: 1, swappedAt: expect.stringMatching(/^\d{4}-/) });
    expect(await client.getTable()).toEqual(table(1, instance.port));
    const wire = cleanup.wire(await dial(handle.addresses[0]?.port ?? 0));
    wire.write(GET);
    await wire.sees('x');
    expect(await client.stats()).toMatchObject({ generation: 1, versions: [{ completed: 1 }] });
    expect(await client.load('shop-r1-a')).toMatchObject({
      id: 'shop-r1-a',
      requests: 0,
      idleConnections: 1,
    });
    expect(await client.load('shop r9/?')).toBeUndefined();
    expect(await client.awaitDrained('shop-r1-a', { streams: true, timeoutMs: 10 })).toMatchObject({
      requests: 0,
    });
    expect(await client.closeIdle('shop-r1-a')).toEqual({ closed: 1 });
  });

  test('refuses a generation that is not higher, and takes the same table again', async () => {
    await start();
    const client = new ControlSocketClient(controlPath);
    const first = await client.putTable(table(5));
    expect(await client.putTable(table(5))).toEqual(first);
    await expect(client.putTable({ ...table(5), routes: [] })).rejects.toMatchObject({ code: 'conflict' });
    await expect(client.putTable(table(4))).rejects.toMatchObject({ code: 'conflict' });
    expect((await client.getTable()).generation).toBe(5);
  });

  test('refuses a bad table with every problem, and keeps the one in force', async () => {
    await start();
    const client = new ControlSocketClient(controlPath);
    await client.putTable(table(1));
    const bad = { ...table(2), backends: [{ ...backend('shop-r1-a', 1), port: 0 }], extra: 1 };
    await expect(client.putTable(bad)).rejects.toMatchObject({
      code: 'invalid',
      details: expect.arrayContaining([
        { path: 'extra', message: expect.any(String) },
        { path: 'backends[0].port', message: expect.any(String) },
      ]),
    });
    expect((await client.getTable()).generation).toBe(1);
  });

  test('keeps a connection, and asks the router of now where it was that of a dead one', async () => {
    const open: Socket[] = [];
    let connections = 0;
    const answers = (from: Socket, times: number) => {
      connections += 1;
      open.push(from);
      from.on('data', () => {
        if (times-- > 0) from.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
        else from.destroy();
      });
      from.on('error', () => undefined);
    };
    const server = createServer((from) => answers(from, 2)).listen(controlPath);
    cleanup.add({ close: () => server.close() });
    cleanup.add({ close: () => open.forEach((from) => void from.destroy()) });
    const client = new ControlSocketClient(controlPath);
    await client.stats();
    await client.stats();
    expect(connections).toBe(1);
    expect(await client.stats()).toEqual({});
    expect(connections).toBe(2);
  });

  test('says so when a new connection breaks', async () => {
    const server = createServer((from) => from.once('data', () => from.destroy())).listen(controlPath);
    cleanup.add({ close: () => server.close() });
    await expect(new ControlSocketClient(controlPath).stats()).rejects.toBeInstanceOf(RouterUnavailable);
  });

  test('says so when nobody answers', async () => {
    const client = new ControlSocketClient(controlPath);
    await expect(client.stats()).rejects.toBeInstanceOf(RouterUnavailable);
  });

  test('says so when the router does not answer in time', async () => {
    const server = createServer(() => undefined).listen(controlPath);
    cleanup.add({ close: () => server.close() });
    const client = new ControlSocketClient(controlPath, { deadlineMs: 50 });
    await expect(client.stats()).rejects.toBeInstanceOf(RouterUnavailable);
  });
});

describe('the table in force', () => {
  test('serves at once after a restart, and its generation counts on', async () => {
    const first = await start();
    const instance = cleanup.add(await RawInstance.answering(ok('x')).listen());
    await first.control.putTable(table(7, instance.port));
    await first.stop(0);
    const second = await start();
    const wire = cleanup.wire(await dial(second.addresses[0]?.port ?? 0));
    wire.write(GET);
    await wire.sees('x');
    await expect(second.control.putTable({ ...table(7), routes: [] })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('is on disk before it is acknowledged', async () => {
    const handle = await start();
    await handle.control.putTable(table(3));
    expect(JSON.parse(await readFile(tableFile, 'utf8'))).toEqual(table(3));
  });

  test('stays when the new one cannot be written', async () => {
    const handle = await start();
    await handle.control.putTable(table(1));
    // A directory where the temporary file goes: that works for root as well.
    await mkdir(`${tableFile}.new`);
    await expect(handle.control.putTable(table(2))).rejects.toMatchObject({ code: 'unavailable' });
    expect((await handle.control.getTable()).generation).toBe(1);
    expect((await handle.control.stats()).generation).toBe(1);
    await rm(`${tableFile}.new`, { recursive: true, force: true });
    await handle.control.putTable(table(2));
  });

  test('that is damaged on disk stops the start, with what to do', async () => {
    const handle = await start();
    await handle.control.putTable(table(1));
    await handle.stop(0);
    await writeFile(tableFile, '{"generation": 1, "routes"');
    await expect(start()).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(tableFile),
    });
  });

  test('comes one after the other, however they are sent', async () => {
    const handle = await start();
    const puts = [1, 2, 3, 4].map((generation) => handle.control.putTable(table(generation)));
    expect((await Promise.all(puts)).map((p) => p.generation)).toEqual([1, 2, 3, 4]);
    expect((await handle.control.getTable()).generation).toBe(4);
  });
});

describe('a start', () => {
  test('beside a router that runs is refused, and does not disturb it', async () => {
    const handle = await start();
    await expect(start()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(controlPath),
    });
    expect((await new ControlSocketClient(controlPath).stats()).bootId).toBe(
      (await handle.control.stats()).bootId,
    );
  });

  test('after a router that was killed replaces its socket', async () => {
    await writeFile(controlPath, '');
    await start();
    expect(await new ControlSocketClient(controlPath).stats()).toMatchObject({ generation: 0 });
  });

  test('on a port in use says which', async () => {
    const first = await start();
    const port = first.addresses[0]?.port ?? 0;
    const second = startRouter({
      listen: [{ host: '127.0.0.1', port }],
      controlPath: join(directory, 'second.sock'),
      tableFile,
      log: silentLog,
    });
    await expect(second).rejects.toMatchObject({ message: `127.0.0.1:${port} is in use by another process` });
  });

  test('with a path that no socket can have says so', async () => {
    const long = join(directory, 'x'.repeat(120));
    const start_ = startRouter({ listen: [], controlPath: long, tableFile, log: silentLog });
    await expect(start_).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('107 bytes'),
    });
  });
});
