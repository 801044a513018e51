import { describe, expect, it } from 'vitest';
import type { Application } from '../../../src/api/application.ts';
import { eventually } from '../../support/eventually.ts';
import { type Desk, withControllers } from './support.ts';

const where = { namespace: 'default' };
const blueGreen = { strategy: { blueGreen: { pause: [] } } };
const shop = { kind: 'Application', name: 'shop', ...where };
const standing = async (desk: Desk) =>
  (await desk.bench.cluster.driver.list()).map((seen) => `${seen.key.version} ${seen.ready}`);
const removed = (desk: Desk) =>
  eventually('the application to be gone', async () =>
    (await desk.bench.store.get(shop)) === undefined ? true : undefined,
  );

describe('a plan of what changes in place', () => {
  it('shows the change and its approval instead of denying it', () =>
    withControllers(
      async (desk) => {
        await desk.apply(1, blueGreen);
        const release = await eventually('the release', () => desk.release('shop-local-r1'));
        await desk.command('approve', { kind: 'Release', name: release.metadata.name });
        await desk.ended('shop-local-r1');
        const { spec } = (await desk.bench.store.get<Application>(shop)) as Application;
        const request = { namespace: 'default', application: 'shop', environment: 'local' };
        expect(await desk.planner.plan({ ...request, spec })).toMatchObject({
          changes: false,
          inPlace: null,
        });
        const wanted = { ...spec, workload: { ...spec.workload, replicas: 7 } };
        expect(await desk.planner.plan({ ...request, spec: wanted })).toMatchObject({
          changes: false,
          inPlace: { summary: 'shop 6 → 7 instances', approval: 'releaser' },
        });
      },
      { protection: { approval: {} } },
    ));
});

describe('an environment that is gone', () => {
  it.each(['before', 'after'])('an application deleted with it drains and goes: environment %s', (order) =>
    withControllers(async (desk) => {
      const { store } = desk.bench;
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1');
      const environment = { kind: 'Environment', name: 'local', ...where };
      if (order === 'before') await store.delete(environment);
      await store.delete(shop);
      if (order === 'after') await store.delete(environment);
      await removed(desk);
      expect(await standing(desk)).toEqual([]);
    }),
  );

  it('is said on an application that can go nowhere else', () =>
    withControllers(async (desk) => {
      const { store } = desk.bench;
      await store.delete({ kind: 'Environment', name: 'local', ...where });
      await desk.apply(1, blueGreen);
      const condition = await eventually('the condition', async () =>
        (await store.get<Application>(shop))?.status?.conditions?.at(0),
      );
      expect(condition).toMatchObject({ type: 'Ready', status: 'False', reason: 'NoEnvironment' });
    }));

  it('commands are refused with that reason', () =>
    withControllers(async (desk) => {
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1');
      await desk.bench.store.delete({ kind: 'Environment', name: 'local', ...where });
      expect(await desk.command('release', { kind: 'Application', name: 'shop' })).toMatchObject({
        state: 'refused',
        message: expect.stringContaining('there is no environment local'),
      });
    }));
});

describe('an environment that the application leaves', () => {
  const absent = { environments: { local: { absent: true } } };
  const left = (desk: Desk) =>
    eventually('the track to be gone', async () =>
      (await desk.bench.store.get({ kind: 'Track', name: 'shop-local', ...where })) === undefined
        ? true
        : undefined,
    );

  it('drains and goes; the application stays, says nothing of it, and comes back with its file', () =>
    withControllers(async (desk) => {
      const { store } = desk.bench;
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1');
      await desk.apply(1, { ...blueGreen, ...absent });
      await left(desk);
      expect(await standing(desk)).toEqual([]);
      await eventually('the condition to be gone', async () =>
        (await store.get<Application>(shop))?.status?.conditions?.length === 0 ? true : undefined,
      );
      expect(await desk.command('release', { kind: 'Application', name: 'shop' })).toMatchObject({
        state: 'refused',
        message: expect.stringContaining('shop is not to be in local'),
      });
      await desk.restart();
      await desk.apply(1, blueGreen);
      expect((await desk.ended('shop-local-r1-2')).status?.phase).toBe('Succeeded');
    }));

  it('turns the release under way back first', () =>
    withControllers(async (desk) => {
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1');
      const pausing = { strategy: { blueGreen: { pause: [1] } } };
      await desk.apply(2, pausing);
      await eventually('the pause', async () =>
        (await desk.release('shop-local-r2'))?.status?.phase === 'Paused' ? true : undefined,
      );
      await desk.apply(2, { ...pausing, ...absent });
      expect((await desk.ended('shop-local-r2')).status).toMatchObject({
        phase: 'Aborted',
        turn: { why: 'application shop leaves local' },
      });
      await left(desk);
      expect(await standing(desk)).toEqual([]);
    }));
});

describe('a protected environment', () => {
  it('takes a change in place after its approval alone', () =>
    withControllers(
      async (desk) => {
        await desk.apply(1, blueGreen);
        await eventually('the approval', async () =>
          (await desk.release('shop-local-r1'))?.status?.waiting.for === 'approval' ? true : undefined,
        );
        await desk.command('approve', { kind: 'Release', name: 'shop-local-r1' });
        await desk.ended('shop-local-r1');
        await desk.command('scale', { kind: 'Application', name: 'shop' }, { replicas: 8 });
        const change = await eventually('the question', async () => (await desk.track()).change);
        expect(await standing(desk)).toEqual(['shop-r1 6']);
        const approved = await desk.command(
          'approve',
          { kind: 'Application', name: 'shop' },
          { change: change.digest },
        );
        expect(approved).toMatchObject({ state: 'done' });
        await eventually('the size', async () =>
          (await standing(desk)).join() === 'shop-r1 8' ? true : undefined,
        );
      },
      { protection: { approval: { by: 'releaser' } } },
    ));
});
