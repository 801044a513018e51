import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { type Desk, withControllers } from './support.ts';

const digest = (n: number) => `shop@sha256:${String(n).padStart(64, '0')}`;
const service = (version: number, replicas = 3) => ({
  artifact: digest(version),
  command: ['node', 'server.js'],
  port: {},
  replicas,
  readiness: { http: { path: '/' } },
});
const WEB = { host: 'web.localhost', workload: 'web' };
const API = { host: 'api.localhost', workload: 'api' };
const file = (
  workloads: Record<string, unknown>,
  routes: readonly unknown[],
  pause: readonly number[] = [],
) => ({
  workload: undefined,
  workloads,
  routes,
  strategy: { blueGreen: { pause } },
});
const both = (version: number, replicas = 3) => ({ web: service(version, replicas), api: service(version) });
const traffic = (desk: Desk, workload: string) =>
  desk.bench.cluster.trafficRouter.traffic({
    namespace: 'default',
    application: 'shop',
    environment: 'local',
    workload,
  });
const reached = async (desk: Desk, workload: string) => {
  const wish = await traffic(desk, workload);
  return wish === undefined ? null : { hosts: wish.routes.map(({ host }) => host), weights: wish.weights };
};
const ready = async (desk: Desk) =>
  Object.fromEntries((await desk.bench.cluster.driver.list()).map((seen) => [seen.key.version, seen.ready]));
const paused = (desk: Desk, release: string) =>
  eventually('the pause', async () =>
    (await desk.release(release))?.status?.phase === 'Paused' ? true : undefined,
  );
const first = async (desk: Desk) => {
  await desk.apply(1, file(both(1), [WEB, API]));
  expect((await desk.ended('shop-local-r1')).status?.phase).toBe('Succeeded');
};

describe('routes that a release takes away', () => {
  it('from a service that stays: it goes through, and nothing public reaches it', () =>
    withControllers(async (desk) => {
      await first(desk);
      await desk.apply(2, { ...file(both(2), [WEB]), strategy: { scaled: {} } });
      expect((await desk.ended('shop-local-r2')).status).toMatchObject({ phase: 'Succeeded', failure: null });
      expect(await reached(desk, 'api')).toBeNull();
      expect(await ready(desk)).toMatchObject({ 'web-r2': 3, 'api-r2': 3 });
    }));

  it.each([
    ['from a service that stays', both(2), [WEB], [2]],
    ['with their service', { web: service(2) }, [WEB], [2]],
    ['while sizes change', both(2, 5), [WEB], [2]],
  ])('%s: an abort after they went restores them', (_, workloads, routes, pause) =>
    withControllers(async (desk) => {
      await first(desk);
      await desk.apply(2, file(workloads, routes, pause));
      await paused(desk, 'shop-local-r2');
      await desk.command('abort', { kind: 'Release', name: 'shop-local-r2' });
      expect((await desk.ended('shop-local-r2')).status?.phase).toBe('Aborted');
      expect(await reached(desk, 'web')).toEqual({ hosts: ['web.localhost'], weights: { 'web-r1': 100 } });
      expect(await reached(desk, 'api')).toEqual({ hosts: ['api.localhost'], weights: { 'api-r1': 100 } });
      expect(await ready(desk)).toEqual({ 'web-r1': 3, 'api-r1': 3 });
      // And nothing of it follows in place.
      expect((await desk.track()).work).toBeNull();
    }),
  );

  it('with their service, whose way back begins after it had drained', () =>
    withControllers(async (desk) => {
      await first(desk);
      // The last stage drops api; something else in it does not end.
      desk.bench.cluster.behave('web-r1', { drainMs: Number.POSITIVE_INFINITY });
      await desk.apply(2, { ...file({ web: service(2) }, [WEB]), strategy: { scaled: { steps: ['100%'] } } });
      await eventually('api to be gone', async () =>
        (await reached(desk, 'api')) === null && (await ready(desk))['api-r1'] === undefined
          ? true
          : undefined,
      );
      desk.bench.cluster.behave('web-r1', { drainMs: 5 });
      await desk.command('abort', { kind: 'Release', name: 'shop-local-r2' });
      expect((await desk.ended('shop-local-r2')).status?.phase).toBe('Aborted');
      expect(await reached(desk, 'api')).toEqual({ hosts: ['api.localhost'], weights: { 'api-r1': 100 } });
      expect(await ready(desk)).toMatchObject({ 'web-r1': 3, 'api-r1': 3 });
    }));

  it('that a release brought go with an abort', () =>
    withControllers(async (desk) => {
      await desk.apply(1, file(both(1), [WEB]));
      await desk.ended('shop-local-r1');
      await desk.apply(2, file(both(2), [{ ...WEB, host: 'new.localhost' }, API], [2]));
      await paused(desk, 'shop-local-r2');
      expect(await reached(desk, 'api')).toMatchObject({ weights: { 'api-r2': 100 } });
      await desk.command('abort', { kind: 'Release', name: 'shop-local-r2' });
      await desk.ended('shop-local-r2');
      expect(await reached(desk, 'api')).toBeNull();
      expect(await reached(desk, 'web')).toEqual({ hosts: ['web.localhost'], weights: { 'web-r1': 100 } });
    }));
});

describe('a size that changes with the revision', () => {
  it.each([
    ['raised', 3, 7],
    ['lowered', 7, 3],
  ])('%s: the old side keeps its own until it goes', (_, before, after) =>
    withControllers(async (desk) => {
      await desk.apply(1, file(both(1, before), [WEB, API]));
      await desk.ended('shop-local-r1');
      await desk.apply(2, { ...file(both(2, after), [WEB, API]), strategy: { scaled: { warm: true } } });
      expect((await desk.ended('shop-local-r2')).status?.phase).toBe('Succeeded');
      const wished = desk.bench.cluster.events.flatMap((event) =>
        event.type === 'wish' && event.version === 'web-r1' ? [event.replicas] : [],
      );
      expect(Math.max(...wished)).toBe(before);
      expect(await ready(desk)).toMatchObject({ 'web-r1': before, 'web-r2': after });
    }),
  );
});
