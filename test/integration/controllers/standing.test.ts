import { expect, it } from 'vitest';
import type { Application } from '../../../src/api/application.ts';
import { eventually } from '../../support/eventually.ts';
import { type Desk, withControllers } from './support.ts';

const service = { namespace: 'default', application: 'shop', environment: 'local', workload: 'shop' };
const key = { ...service, version: 'shop-r1' };
const fence = { subject: 'somebody', epoch: 1, sequence: 1 };

const released = async (desk: Desk) => {
  await desk.apply(1, { strategy: { blueGreen: { pause: [] } } });
  expect((await desk.ended('shop-local-r1')).status?.phase).toBe('Succeeded');
};
const back = ({ bench: { cluster } }: Desk) =>
  eventually('r1 to stand with all the traffic', async () => {
    const seen = await cluster.driver.observe(key);
    return seen?.ready === 6 && cluster.weights(service)['shop-r1'] === 100 ? seen : undefined;
  });

it('brings back everything where the agent lost it, as after a restore into an empty directory', () =>
  withControllers(async (desk) => {
    await released(desk);
    const { cluster } = desk.bench;
    await cluster.trafficRouter.removeService(service, fence);
    await cluster.driver.removeWorkload(key);
    await back(desk);
    expect((await desk.track()).repaired?.what).toMatch(/shop-r1|traffic of shop/);
  }));

it('says that a live version does not serve, and that it does again', () =>
  withControllers(async (desk) => {
    await released(desk);
    const { cluster, store } = desk.bench;
    const ready = () =>
      store
        .get<Application>({ kind: 'Application', namespace: 'default', name: 'shop' })
        .then((application) => application?.status?.conditions?.find(({ type }) => type.startsWith('Ready')));
    await eventually('Ready', async () => (await ready())?.status === 'True');
    cluster.behave('shop-r1', { startMs: 60_000 });
    for (let n = 0; n < 6; n += 1) cluster.crash('shop-r1');
    await eventually('to be not ready', async () => (await ready())?.reason === 'NotReady');
    expect((await ready())?.message).toContain('shop-local-r1 is live and does not serve; 0 of 6');
  }));
