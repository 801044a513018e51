import { readdir, readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { WorkloadObservation } from '../../../src/drivers/cluster-driver.ts';
import { eventually } from '../../support/eventually.ts';
import { ARTIFACT, HOST, key, Machine, routeDefaults, SERVICE, workloadSpec } from './harness.ts';
import { KillableDriver } from './killable-driver.ts';

const ROUNDS = Number(process.env.SLIPWAY_KILL_ROUNDS ?? 6);

let machine: Machine;
let driver: KillableDriver;
let sequence: number;
beforeEach(async () => {
  machine = await Machine.start();
  await machine.stopDriver();
  sequence = 0;
  await restart();
});
afterEach(async () => {
  await driver.kill();
  await machine.stop();
});

const restart = async (): Promise<void> => {
  driver = await KillableDriver.start(machine.directory, machine.port, ARTIFACT);
};
const fence = () => {
  sequence += 1;
  return { subject: 'release/default/x', epoch: 1, sequence };
};
const want = (version: string, replicas: number): Promise<void> =>
  driver.methods.setWorkload({ key: key(version), replicas, fence: fence(), spec: workloadSpec(version) });
const observe = (version: string): Promise<WorkloadObservation | undefined> =>
  driver.methods.observe(key(version));
const serving = (version: string, count: number): Promise<unknown> =>
  eventually(`${count} of ${version}`, async () => {
    const seen = await observe(version);
    return (
      seen?.instances.length === count &&
      seen.instances.every(({ state, admitted }) => state === 'ready' && admitted)
    );
  });
const traffic = (version: string) =>
  driver.methods.setTraffic({
    service: SERVICE,
    routes: [routeDefaults({ host: HOST })],
    weights: { [version]: 100 },
    aliases: { new: null, old: null },
    fence: fence(),
  });

/** Pids of every wrapper that runs an instance of this machine. */
const wrappers = async (): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return words.startsWith('/bin/sh\0-c') && words.includes(`${machine.directory}/agent/instances`)
        ? [Number(pid)]
        : [];
    }),
  );
  return found.flat();
};

describe.runIf(process.platform === 'linux')('kill -9 of the driver', () => {
  it(
    `in the middle of starting leaves neither an orphan nor a missing instance (${ROUNDS} times)`,
    async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const version = `shop-r${round + 1}`;
        const asked = want(version, 3).catch(() => undefined);
        // From before the first spawn to after the last: each round dies a little later.
        await new Promise((resolve) => setTimeout(resolve, (round * 150) / ROUNDS));
        await driver.kill();
        await asked;
        await restart();
        await want(version, 3);
        await serving(version, 3);
        expect(await wrappers()).toHaveLength(3);
        await want(version, 0);
        await eventually('nothing left', async () => (await observe(version))?.instances.length === 0);
        expect(await wrappers()).toHaveLength(0);
      }
    },
    ROUNDS * 30_000,
  );

  it(
    `in the middle of a flip and a drain under load fails no request (${ROUNDS} times)`,
    async () => {
      await want('shop-r1', 2);
      await serving('shop-r1', 2);
      await traffic('shop-r1');
      const failures: string[] = [];
      let done = 0;
      let stop = false;
      let round = 0;
      const client = async (path: string): Promise<void> => {
        while (!stop) {
          const outcome = await machine.get(path).then(
            ({ status, body }) => (status === 200 ? '200' : `${status} ${body.trim()} in round ${round}`),
            (error: unknown) => `${error} in round ${round}`,
          );
          if (outcome === '200') done += 1;
          else failures.push(`${path}: ${outcome}`);
        }
      };
      const load = ['/', '/', '/slow?ms=60', '/slow?ms=200'].map(client);
      for (; round < ROUNDS; round += 1) {
        const [old, fresh] = [`shop-r${round + 1}`, `shop-r${round + 2}`];
        await want(fresh, 2);
        await serving(fresh, 2);
        const socket = new WebSocket(`ws://127.0.0.1:${machine.port}/live`, { headers: { host: HOST } });
        const closed = new Promise<number>((resolve, reject) => {
          socket.once('close', resolve);
          socket.once('error', reject);
        });
        await new Promise((resolve) => socket.once('open', resolve));
        const going = (async () => {
          await traffic(fresh);
          await want(old, 0);
        })().catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, (round * 400) / ROUNDS));
        await driver.kill();
        await going;
        await restart();
        expect(await traffic(fresh)).toMatchObject({ ok: true });
        await want(old, 0);
        await eventually('the old ones gone', async () => (await observe(old))?.instances.length === 0);
        // 1001: the application ended it, with a close frame, after SIGTERM; 1006 would be a cut.
        expect(await closed).toBe(1_001);
        expect(await wrappers()).toHaveLength(2);
      }
      stop = true;
      await Promise.all(load);
      expect(failures).toEqual([]);
      expect(done).toBeGreaterThan(ROUNDS * 5);
    },
    ROUNDS * 30_000,
  );
});
