import { afterEach, describe, expect, it } from 'vitest';
import { nodeFiles } from '../../../src/lib/files-node.ts';
import { eventually } from '../../support/eventually.ts';
import { key, Machine, SERVICE } from './harness.ts';

let machine: Machine;
afterEach(async () => {
  await machine.stop();
});

describe('while the router is away', () => {
  it('the driver goes on, and what was asked for comes into force with the next router', async () => {
    machine = await Machine.start();
    await machine.want('shop-r1', 1);
    await machine.serving('shop-r1', 1);
    await machine.traffic({ 'shop-r1': 100 });
    await machine.get();
    const before = await machine.local.trafficRouter.totals(SERVICE);
    await machine.stopRouter();
    expect(await machine.local.trafficRouter.totals(SERVICE)).toBeNull();
    await machine.want('shop-r2', 1);
    const waiting = await machine.seen('shop-r2', 'ready', ({ ready }) => ready === 1);
    expect(waiting).toMatchObject({ proven: 0 });
    const [victim] = (await machine.local.driver.observe(key('shop-r1')))?.instances ?? [];
    await machine.killInstance(victim?.id ?? '');
    await machine.startRouter();
    await machine.serving('shop-r2', 1);
    await machine.serving('shop-r1', 1);
    expect((await machine.get()).body).toBe('shop-r1');
    expect(await machine.traffic({ 'shop-r2': 100 })).toMatchObject({ ok: true });
    expect((await machine.get()).body).toBe('shop-r2');
    const after = await machine.local.trafficRouter.totals(SERVICE);
    expect(before).toMatchObject({ requests: 1, failed: 0 });
    expect(before?.gaps).toBeUndefined();
    expect(after).toMatchObject({ requests: 3, failed: 0, gaps: 1 });
  });

  it('a write of traffic waits for it', async () => {
    machine = await Machine.start();
    await machine.want('shop-r1', 1);
    await machine.serving('shop-r1', 1);
    await machine.stopRouter();
    const writing = machine.traffic({ 'shop-r1': 100 });
    await eventually('the wish noted', async () => await machine.local.trafficRouter.traffic(SERVICE));
    await machine.startRouter();
    expect(await writing).toMatchObject({ ok: true });
    expect((await machine.get()).status).toBe(200);
  });
});

describe('while the disk is full', () => {
  it('nothing starts, the message says so, and it heals by itself', async () => {
    const real = nodeFiles();
    let isFull = false;
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    machine = await Machine.start({
      files: {
        ...real,
        writeAtomic: (path, data, options) =>
          isFull ? Promise.reject(full) : real.writeAtomic(path, data, options),
      },
    });
    await machine.want('shop-r1', 1);
    const { instances } = await machine.serving('shop-r1', 1);
    await machine.traffic({ 'shop-r1': 100 });
    isFull = true;
    await expect(machine.want('shop-r2', 1)).rejects.toThrow(
      /wishes\.json cannot be written: the disk is full/,
    );
    await machine.killInstance(instances[0]?.id ?? '');
    const { problem } = await machine.seen('shop-r1', 'a problem', (seen) => seen.problem !== null);
    expect(problem).toMatchObject({ reason: 'outOfResources' });
    expect(problem?.message).toContain('the start failed since the disk is full');
    isFull = false;
    await machine.serving('shop-r1', 1);
    expect((await machine.get()).status).toBe(200);
  });
});
