import { readFile, writeFile } from 'node:fs/promises';
import { connect as tcp } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from '../../support/eventually.ts';
import { HOST, key, Machine, SERVICE } from './harness.ts';

const calm = { timeout: '20s', streamTimeout: '20s', grace: '20s' };

let machine: Machine;
const begin = async (
  drain: { timeout: string; streamTimeout: string; grace: string } = calm,
): Promise<void> => {
  machine = await Machine.start();
  await machine.want('shop-r1', 1, { drain });
  await machine.serving('shop-r1', 1);
  await machine.traffic({ 'shop-r1': 100 });
  await machine.want('shop-r2', 1);
  await machine.serving('shop-r2', 1);
};
afterEach(async () => {
  await machine.stop();
});

const gone = () => machine.seen('shop-r1', 'is gone', ({ instances }) => instances.length === 0);
const inside = (what: 'requests' | 'streams') =>
  eventually(
    `${what} inside`,
    async () => (await machine.local.trafficRouter.load(SERVICE, 'shop-r1'))[what] === 1,
  );
/** The new version takes the traffic, and the old one is to go. */
const replace = async (): Promise<void> => {
  await machine.traffic({ 'shop-r2': 100 });
  await machine.want('shop-r1', 0);
};

/** A WebSocket through the entry, and the code that it is closed with. */
const connect = async (): Promise<{ closed: Promise<number> }> => {
  const socket = new WebSocket(`ws://127.0.0.1:${machine.port}/live`, { headers: { host: HOST } });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return { closed };
};

describe('retiring an instance', () => {
  it('lets ordinary requests end before SIGTERM, and measures that', async () => {
    await begin();
    const file = join(machine.directory, 'go-on');
    const slow = machine.get(`/until?file=${file}`);
    await inside('requests');
    await replace();
    const { instances } = await machine.seen('shop-r1', 'retiring', ({ retiring }) => retiring === 1);
    const id = instances[0]?.id ?? '';
    await eventually('out of the table', async () =>
      (await machine.control.getTable()).backends.some((one) => one.id === id && one.state === 'draining'),
    );
    expect(await machine.log(id)).toEqual([`${id} starts as shop-r1`]);
    await writeFile(file, '');
    expect(await slow).toMatchObject({ status: 200, body: 'until shop-r1' });
    const { drains } = await gone();
    expect(drains).toMatchObject([{ instance: id, requests: 1, streams: 0, cut: 0 }]);
    expect(await machine.log(id)).toContain('SIGTERM');
  });

  it('sends SIGTERM while streams are connected, so that the application ends them', async () => {
    await begin();
    const { closed } = await connect();
    await inside('streams');
    await replace();
    // 1001: the close frame of the application.
    expect(await closed).toBe(1_001);
    expect((await gone()).drains).toMatchObject([{ requests: 0, streams: 1, cut: 0 }]);
  });

  it('counts a request that is cut when its caps are over and nobody else may be asked', async () => {
    await begin({ timeout: '100ms', streamTimeout: '100ms', grace: '300ms' });
    const slow = machine.get('/slow?ms=9000', 'POST').catch((error: Error) => error);
    await inside('requests');
    await replace();
    expect((await gone()).drains).toMatchObject([{ requests: 1, cut: 1 }]);
    const outcome = await slow;
    expect(outcome instanceof Error || outcome.status >= 500).toBe(true);
    expect(await machine.local.trafficRouter.totals(SERVICE)).toMatchObject({
      failed: 1,
      failures: { reset: 1 },
      // It was told to end.
      byVersion: { 'shop-r1': { failed: 1, byItself: { reset: 0 } } },
    });
  });

  it('counts a download that is cut behind a client who takes it too slowly to notice', async () => {
    await begin({ timeout: '100ms', streamTimeout: '100ms', grace: '300ms' });
    const client = tcp(machine.port, '127.0.0.1');
    client.on('error', () => undefined);
    client.write(`GET /download?bytes=${256 * 1024 * 1024} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await new Promise((resolve) => client.once('data', resolve));
    client.pause();
    await inside('requests');
    await replace();
    expect((await gone()).drains).toMatchObject([{ requests: 1, cut: 1 }]);
    expect(await machine.local.trafficRouter.totals(SERVICE)).toMatchObject({
      failed: 1,
      failures: { cut: 1 },
    });
    client.destroy();
  });

  it('does not count as a cut what was inside when it fell over by itself', async () => {
    await begin();
    const slow = machine.get('/slow?ms=9000', 'POST').catch((error: Error) => error);
    await inside('requests');
    const { instances } = await machine.serving('shop-r1', 1);
    await machine.killInstance(instances[0]?.id ?? '');
    await slow;
    await eventually('the failure counted', async () => {
      const totals = await machine.local.trafficRouter.totals(SERVICE);
      return totals?.byVersion['shop-r1']?.byItself?.reset === 1;
    });
  });

  it('leaves alone what a wish for more keeps, and calls off a start that is no longer wanted', async () => {
    await begin();
    await machine.want('shop-r1', 12);
    await machine.want('shop-r1', 1);
    await machine.serving('shop-r1', 1);
    const { instances, problem } = await machine.serving('shop-r1', 1);
    expect(instances).toHaveLength(1);
    expect(problem).toBeNull();
  });

  it('does not use its port again', async () => {
    await begin();
    const before = await machine.serving('shop-r1', 1);
    await replace();
    await gone();
    const kept = await eventually('the note of it', async () =>
      JSON.parse(await readFile(join(machine.directory, 'agent/ports.json'), 'utf8')),
    );
    expect(kept).toMatchObject([{ port: before.instances[0]?.port }]);
    expect(kept[0].until - Date.now()).toBeGreaterThan(25_000);
  });

  it('replaces all of them in a restart without one request failing', async () => {
    await begin();
    await machine.want('shop-r1', 3);
    const before = await machine.serving('shop-r1', 3);
    const failures: unknown[] = [];
    let stop = false;
    const load = (async () => {
      while (!stop) {
        const outcome = await machine.get('/slow?ms=5').catch((error: unknown) => error);
        if ((outcome as { status?: number }).status !== 200) failures.push(outcome);
      }
    })();
    await machine.local.driver.restartWorkload(key('shop-r1'));
    const old = new Set(before.instances.map(({ id }) => id));
    let least = 3;
    await machine.seen('shop-r1', 'three new ones', (seen) => {
      least = Math.min(
        least,
        seen.instances.filter(({ admitted, state }) => admitted && state === 'ready').length,
      );
      return (
        seen.instances.length === 3 && seen.instances.every(({ id, admitted }) => !old.has(id) && admitted)
      );
    });
    stop = true;
    await load;
    expect(failures).toEqual([]);
    expect(least).toBe(3);
  });

  it('refuses to take down what has traffic (INV-5)', async () => {
    await begin();
    await expect(machine.want('shop-r1', 0)).rejects.toMatchObject({ code: 'refused' });
    await expect(machine.local.driver.removeWorkload(key('shop-r1'))).rejects.toThrow(
      '100 % of the traffic (INV-5)',
    );
    await machine.local.trafficRouter.removeService(SERVICE, { subject: 'x', epoch: 1, sequence: 1 });
    await machine.local.driver.removeWorkload(key('shop-r1'));
    await eventually(
      'nothing left',
      async () => (await machine.local.driver.observe(key('shop-r1'))) === undefined,
    );
  });
});

describe('a migration', () => {
  const job = (code: number) => ({
    type: 'migration' as const,
    port: undefined,
    readiness: undefined,
    command: ['sh', '-c', `echo "ran $SLIPWAY_INSTANCE"; exit ${code}`],
  });
  it.each([0, 4])(
    'runs once, and stays with its code %d, also after a restart of the driver',
    async (code) => {
      machine = await Machine.start();
      await machine.want('shop-m1', 1, job(code));
      const ended = (): Promise<unknown> =>
        machine.seen(
          'shop-m1',
          'ended',
          ({ instances }) => instances.length === 1 && instances[0]?.exitCode === code,
        );
      await ended();
      await machine.stopDriver();
      await machine.startDriver();
      await ended();
      const { problem } = await machine.seen('shop-m1', 'is there', () => true);
      if (code === 0) expect(problem).toBeNull();
      else
        expect(problem).toMatchObject({
          final: true,
          message: expect.stringContaining('exited with code 4'),
        });
      const [first] = (await machine.local.driver.observe(key('shop-m1')))?.instances ?? [];
      expect(await machine.log(first?.id ?? '')).toEqual([`ran ${first?.id}`]);
      await machine.local.driver.removeWorkload(key('shop-m1'));
      await eventually(
        'gone',
        async () => (await machine.local.driver.observe(key('shop-m1'))) === undefined,
      );
    },
  );
});

describe('a migration that is taken away while it runs', () => {
  it('is told to end, and goes', async () => {
    machine = await Machine.start();
    await machine.want('shop-m1', 1, {
      type: 'migration',
      port: undefined,
      readiness: undefined,
      command: ['sh', '-c', 'exec sleep 600'],
    });
    await machine.seen('shop-m1', 'runs', ({ instances }) => instances.length === 1);
    await machine.local.driver.removeWorkload(key('shop-m1'));
    await eventually('gone', async () => (await machine.local.driver.observe(key('shop-m1'))) === undefined);
  });
});

describe('logs', () => {
  it('are followed across rotation and instances', async () => {
    machine = await Machine.start({ limits: { logBytes: 2_000, logFiles: 1 } });
    const seen: string[] = [];
    const stop = new AbortController();
    const query = { application: 'shop', workload: 'shop', follow: true, tailLines: 0 };
    const following = (async () => {
      for await (const { line } of machine.local.logs.read(query, stop.signal)) seen.push(line);
    })();
    await machine.want('shop-w1', 1, {
      type: 'worker',
      port: undefined,
      readiness: undefined,
      command: [
        'sh',
        '-c',
        'for i in $(seq 1 20); do echo "line $i of $(printf %0200d $i)"; sleep 0.15; done; exec sleep 600',
      ],
    });
    await eventually('the last line', () => seen.some((line) => line.startsWith('line 20 ')));
    await machine.killInstance(
      (await machine.seen('shop-w1', 'runs', ({ ready }) => ready === 1)).instances[0]?.id ?? '',
    );
    await eventually(
      'the next instance',
      () => seen.filter((line) => line.startsWith('line 1 ')).length === 2,
    );
    stop.abort();
    await following;
    const numbers = seen
      .filter((line) => /^line \d+ of 0+\d+$/.test(line))
      .map((line) => Number(line.split(' ')[1]));
    expect(numbers.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  });
});
