/** The load against the shop itself: silent when all is well, and awake when the shop is killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { LoadProcess } from '../../support/load/load-process.ts';
import { KINDS } from '../../support/load/report.ts';
import { ShopProcess } from '../../support/load/shop-process.ts';

const loadOn = (shop: ShopProcess) =>
  LoadProcess.start({
    target: shop.url,
    host: 'shop.localhost',
    versionHeader: 'app-version',
    clients: 40,
    rate: 200,
  });

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('the load', { timeout: 60_000 }, () => {
  it('finds nothing wrong with a shop that is well, with every kind in flight at any moment', async () => {
    await using shop = await ShopProcess.start();
    await using load = await loadOn(shop);
    await load.waitForSteady();
    const moments: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      const { atMs } = await load.mark(`moment ${i}`);
      moments.push(atMs);
      const before = (await load.snapshot()).finished;
      await eventually('100 more requests', async () => (await load.snapshot()).finished > before + 100);
    }
    for (const atMs of moments) {
      const inFlight = await load.inFlightAt(atMs);
      for (const kind of KINDS) expect(inFlight[kind], `${kind} in flight at ${atMs}`).toBeGreaterThan(0);
    }
    const report = await load.stop();
    expect(report.firstFailures).toEqual([]);
    expect(report.failed).toBe(0);
    expect(report.finished).toBe(report.started);
    expect(report.endedBy).toBe('stop');
    expect(report.byVersion).toEqual({ '1.0.0': { finished: report.finished, failed: 0 } });
    expect(report.marks.map((mark) => mark.name)).toEqual(moments.map((_, i) => `moment ${i}`));
    for (const kind of ['sse', 'websocket'] as const) {
      expect(report.byKind[kind].closedByClient).toBe(report.byKind[kind].finished);
      expect(report.byKind[kind].messages).toBeGreaterThan(50);
    }
    expect(report.latency.samples).toBeGreaterThan(400);
    expect(report.requestsPerSecond).toBeGreaterThan(50);
    expect(report.requestsPerSecond).toBeLessThan(400);
  });

  it('sees kill -9 in every kind of traffic', async () => {
    await using shop = await ShopProcess.start();
    await using load = await loadOn(shop);
    await load.waitForSteady();
    shop.child.kill('SIGKILL');
    await shop.exited;
    await eventually(
      'connections to be refused',
      async () => ((await load.snapshot()).failures.refused ?? 0) > 20,
    );
    const report = await load.stop();
    expect(report.started).toBe(report.finished + report.failed);
    for (const kind of KINDS) expect(report.byKind[kind].failed, kind).toBeGreaterThan(0);
    // Held-back uploads, slow answers and kept-alive requests die before their answer, streams inside it.
    expect(report.failures.reset).toBeGreaterThan(0);
    expect(report.failures.cut).toBeGreaterThanOrEqual(2);
    expect(report.firstFailures.some((note) => note.kind === 'sse' && note.cause === 'cut')).toBe(true);
    expect(report.firstFailures.some((note) => note.kind === 'websocket' && note.cause === 'cut')).toBe(true);
    expect(report.firstFailures[0]?.version).toBeDefined();
  });

  it('takes a proper end of a stream for no failure, and a stop without a drain for one', async () => {
    await using shop = await ShopProcess.start();
    await using load = await loadOn(shop);
    await load.waitForSteady();
    shop.child.kill('SIGTERM');
    await shop.exited;
    await eventually(
      'connections to be refused',
      async () => ((await load.snapshot()).failures.refused ?? 0) > 20,
    );
    const report = await load.stop();
    expect(report.started).toBe(report.finished + report.failed);
    expect(report.failures.cut).toBeUndefined();
    for (const kind of ['sse', 'websocket'] as const) {
      expect(report.byKind[kind].finished, kind).toBeGreaterThan(0);
      expect(report.byKind[kind].closedByClient, kind).toBe(0);
    }
    expect(report.byVersion['1.0.0']?.failed).toBe(0);
  });

  it('sends nothing a second time when a kept-alive connection breaks', async () => {
    // Answers the first request of a connection, and ends the connection at the second.
    let requests = 0;
    const server = createServer((socket) => {
      let seen = 0;
      socket.on('error', () => undefined);
      socket.on('data', () => {
        requests += 1;
        seen += 1;
        if (seen === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        else socket.resetAndDestroy();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using load = await LoadProcess.start({
      target,
      clients: 2,
      rate: 50,
      kinds: ['keepAlive'],
      path: '/',
    });
    await eventually('some resets', async () => ((await load.snapshot()).failures.reset ?? 0) >= 5);
    const report = await load.stop();
    server.close();
    expect(report.started).toBe(requests);
    expect(Object.keys(report.failures)).toEqual(['reset']);
    expect(Math.abs(report.finished - report.failed)).toBeLessThanOrEqual(2);
  });

  it('ends by itself when nobody stops it', async () => {
    await using shop = await ShopProcess.start();
    await using load = await LoadProcess.start({ target: shop.url, clients: 6, maxDurationMs: 300 });
    expect(await load.ended).toMatchObject({ endedBy: 'maxDuration', failed: 0 });
    await eventually('its process to be gone', () => load.pid !== undefined && !isAlive(load.pid));
    await expect(load.snapshot()).rejects.toThrow('the load has ended; snapshot came too late');
  });

  it('ends when whoever started it is gone', async () => {
    await using shop = await ShopProcess.start();
    const main = fileURLToPath(new URL('../../support/load/main.ts', import.meta.url));
    const orphan = spawn(process.execPath, [main, '--control', 'stdio', '--target', shop.url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(orphan.stdout, 'data');
    orphan.stdin.destroy();
    orphan.stdout.destroy();
    expect(await once(orphan, 'exit')).toEqual([0, null]);
  });

  it('says which option it does not understand', async () => {
    await expect(LoadProcess.start({ target: 'http://127.0.0.1:1', clients: 2 })).rejects.toThrow(
      /--clients 2: at least one for each/,
    );
  });
});
