import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { key, Machine, SERVICE } from './harness.ts';

let machine: Machine;
beforeEach(async () => {
  machine = await Machine.start();
});
afterEach(async () => {
  await machine.stop();
});

describe('a service on this machine', () => {
  it('starts, is proven, and serves', async () => {
    await machine.want('shop-r1', 3);
    const seen = await machine.serving('shop-r1', 3);
    expect(seen).toMatchObject({ wanted: 3, ready: 3, proven: 3, retiring: 0, problem: null });
    expect(await machine.traffic({ 'shop-r1': 100 })).toMatchObject({ ok: true });
    expect(await machine.get()).toEqual({ status: 200, body: 'shop-r1', version: 'shop-r1' });
  });

  it('flips between versions and drains the old one', async () => {
    await machine.want('shop-r1', 2);
    await machine.serving('shop-r1', 2);
    await machine.traffic({ 'shop-r1': 100 });
    await machine.want('shop-r2', 2);
    await machine.serving('shop-r2', 2);
    const file = join(machine.directory, 'go-on');
    const slow = machine.get(`/until?file=${file}`);
    await eventually('the request inside', async () => {
      const { requests } = await machine.local.trafficRouter.load(SERVICE, 'shop-r1');
      return requests === 1;
    });
    expect(await machine.traffic({ 'shop-r2': 100 })).toMatchObject({ ok: true });
    expect((await machine.get()).body).toBe('shop-r2');
    const proof = await machine.local.trafficRouter.proveAfter({
      service: key('shop-r1'),
      deadlineMs: 5_000,
      signal: AbortSignal.timeout(10_000),
    });
    expect(proof).toMatchObject({ ok: true, failed: 0, basis: 'version header' });
    expect(Object.keys(proof.seen)).toEqual(['shop-r2']);
    await machine.want('shop-r1', 0);
    await machine.seen(
      'shop-r1',
      'drains',
      ({ retiring, instances }) => retiring === 1 && instances.length === 1,
    );
    await writeFile(file, '');
    const gone = await machine.seen('shop-r1', 'is gone', ({ instances }) => instances.length === 0);
    expect((await slow).body).toBe('until shop-r1');
    expect(gone.drains).toHaveLength(2);
    expect(gone.drains.map(({ cut }) => cut)).toEqual([0, 0]);
    expect(gone.drains.reduce((n, { requests }) => n + requests, 0)).toBe(1);
    expect(machine.local.artifacts()).toEqual(new Set([`sha256:${'0'.repeat(64)}`]));
    await machine.local.driver.removeWorkload(key('shop-r1'));
    await expect.poll(() => machine.local.driver.observe(key('shop-r1'))).toBeUndefined();
    const totals = await machine.local.trafficRouter.totals(key('shop-r1'));
    expect(totals).toMatchObject({ source: 'router', failed: 0 });
  });
});
