import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WorkloadWish } from '../../../src/drivers/cluster-driver.ts';
import { eventually } from '../../support/eventually.ts';
import { Machine, workloadSpec } from './harness.ts';

let machine: Machine;
beforeEach(async () => {
  machine = await Machine.start();
});
afterEach(async () => {
  await machine.stop();
});

const ids = (seen: { instances: readonly { id: string }[] }): string[] =>
  seen.instances.map(({ id }) => id).toSorted();

describe('a driver that is started again', () => {
  it('adopts what runs, and what served serves on without being started or left out', async () => {
    await machine.want('shop-r1', 2);
    const before = await machine.serving('shop-r1', 2);
    await machine.traffic({ 'shop-r1': 100 });
    await machine.stopDriver();
    expect((await machine.get()).status).toBe(200);
    const generation = (await machine.control.getTable()).generation;
    await machine.startDriver();
    const after = await machine.serving('shop-r1', 2);
    expect(ids(after)).toEqual(ids(before));
    expect(after.instances.map(({ restarts }) => restarts)).toEqual([0, 0]);
    const table = await machine.control.getTable();
    expect(table.generation).toBeGreaterThan(generation);
    expect(table.backends.map(({ state }) => state)).toEqual(['serving', 'serving']);
    expect((await machine.get()).status).toBe(200);
  });

  it('does not take those that are older than their start timeout for slow starters', async () => {
    const short = {
      ...workloadSpec('shop-r1').readiness,
      startTimeout: '700ms',
    } as WorkloadWish['spec']['readiness'];
    await machine.want('shop-r1', 2, { readiness: short });
    const before = await machine.serving('shop-r1', 2);
    await machine.traffic({ 'shop-r1': 100 });
    await eventually('all older than that', () =>
      before.instances.every(({ startedAt }) => Date.now() - Date.parse(startedAt) > 800),
    );
    await machine.stopDriver();
    await machine.startDriver();
    expect(ids(await machine.serving('shop-r1', 2))).toEqual(ids(before));
    for (const id of ids(before)) expect(await machine.log(id)).not.toContain('SIGTERM');
    expect((await machine.get()).status).toBe(200);
  });

  it('notices an end that nobody saw, and one that comes later', async () => {
    await machine.want('shop-r1', 2);
    const before = await machine.serving('shop-r1', 2);
    await machine.traffic({ 'shop-r1': 100 });
    await machine.stopDriver();
    const [first, second] = before.instances.map(({ id }) => id);
    await machine.killInstance(first ?? '');
    await machine.startDriver();
    const replaced = await machine.seen(
      'shop-r1',
      'the first replaced',
      (seen) =>
        seen.ready === 2 &&
        !ids(seen).includes(first ?? '') &&
        seen.instances.every(({ admitted }) => admitted),
    );
    expect(ids(replaced)).toContain(second);
    await machine.killInstance(second ?? '');
    await machine.seen(
      'shop-r1',
      'the second replaced',
      (seen) => seen.ready === 2 && !ids(seen).includes(second ?? ''),
    );
  });

  it('drains and ends what no wish speaks of', async () => {
    await machine.want('shop-r1', 1);
    const { instances } = await machine.serving('shop-r1', 1);
    await machine.stopDriver();
    await writeFile(join(machine.directory, 'agent/wishes.json'), '{"workloads":{},"epochs":{}}');
    await machine.startDriver();
    await eventually('nothing left', async () => (await machine.local.driver.list()).length === 0);
    const log = await readFile(
      join(machine.directory, 'agent/instances', instances[0]?.id ?? '', 'log'),
      'utf8',
    );
    expect(log).toContain('SIGTERM');
    await eventually(
      'a table without it',
      async () => (await machine.control.getTable()).backends.length === 0,
    );
  });

  it('says what is wrong with a file that it cannot understand', async () => {
    await machine.stopDriver();
    const file = join(machine.directory, 'agent/wishes.json');
    await writeFile(file, '{"workl');
    await expect(machine.startDriver()).rejects.toThrow(`${file} is not valid JSON`);
    await writeFile(file, '{"workloads":{},"epochs":{}}');
  });

  it('refuses a wish of an epoch that is over, also after the restart', async () => {
    const wish = (epoch: number) =>
      machine.local.driver.setWorkload({
        key: {
          namespace: 'default',
          application: 'shop',
          environment: 'local',
          workload: 'shop',
          version: 'shop-r1',
        },
        replicas: 0,
        fence: { subject: 'release/default/x', epoch, sequence: 1 },
        spec: {
          name: 'shop',
          type: 'worker',
          command: ['true'],
          env: {},
          drain: { timeout: '1s', streamTimeout: '1s', grace: '1s' },
        },
      });
    await wish(3);
    await machine.stopDriver();
    await machine.startDriver();
    await expect(wish(2)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('INV-12'),
    });
    await wish(3);
  });
});
