import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { withControllers } from './support.ts';

const blueGreen = { strategy: { blueGreen: { pause: [] } } };

describe('releases through controllers, gateway and agent', () => {
  it('first release, scaled, blueGreen, then one flip back to the warm revision', () =>
    withControllers(async (desk) => {
      await desk.apply(1);
      expect((await desk.ended('shop-local-r1')).status?.phase).toBe('Succeeded');
      await desk.apply(2);
      const second = await desk.ended('shop-local-r2');
      expect(second.status?.phase).toBe('Succeeded');
      expect(second.spec.plan.stages.map((s) => s.title)).toEqual([
        'green 1',
        'green 4, blue 2',
        'green 6, blue 0',
      ]);
      await desk.apply(3, blueGreen);
      expect((await desk.ended('shop-local-r3')).status?.phase).toBe('Succeeded');
      const track = await eventually('the track to settle', async () => {
        const now = await desk.track();
        return now.live === 'shop-local-r3' ? now : undefined;
      });
      expect(track.warm.map((w) => w.revision)).toEqual(['shop-local-r2']);
      const answer = await desk.command('rollback', { kind: 'Application', name: 'shop' }, {}, 'looks wrong');
      expect(answer.state).toBe('done');
      const back = await desk.ended('shop-local-r2-2');
      expect(back.status?.phase).toBe('Succeeded');
      expect(back.spec.plan.stages).toHaveLength(1);
      const receipt = await desk.receipt('shop-local-r2-2');
      expect(receipt.flips).toHaveLength(1);
      expect((await desk.track()).hold?.by).toBe('dana');
    }));

  it('a rollback holds automatic releases until resume', () =>
    withControllers(async (desk) => {
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1');
      await desk.apply(2, blueGreen);
      await desk.ended('shop-local-r2');
      await desk.command('rollback', { kind: 'Application', name: 'shop' });
      await desk.ended('shop-local-r1-2');
      await desk.apply(3, blueGreen);
      const plan = await desk.planner.plan({
        namespace: 'default',
        application: 'shop',
        environment: 'local',
      });
      expect(plan.warnings.join()).toContain('holds automatic releases');
      expect(plan.now).toEqual({ from: 6, to: 0, weights: { 'shop-r1': 100 } });
      expect(await desk.release('shop-local-r3')).toBeUndefined();
      expect((await desk.command('resume', { kind: 'Application', name: 'shop' })).state).toBe('done');
      expect((await desk.ended('shop-local-r3')).status?.phase).toBe('Succeeded');
    }));

  it('abort in the middle leaves the old version at full strength', () =>
    withControllers(async (desk) => {
      await desk.apply(1);
      await desk.ended('shop-local-r1');
      await desk.apply(2, { strategy: { blueGreen: { pause: [1] } } });
      await eventually('the pause', async () =>
        (await desk.release('shop-local-r2'))?.status?.pause !== null &&
        (await desk.release('shop-local-r2'))?.status?.phase === 'Paused'
          ? true
          : undefined,
      );
      expect(
        (await desk.command('abort', { kind: 'Release', name: 'shop-local-r2' }, {}, 'changed my mind'))
          .state,
      ).toBe('done');
      const release = await desk.ended('shop-local-r2');
      expect(release.status?.phase).toBe('Aborted');
      const left = await desk.bench.cluster.driver.list();
      expect(left.map((w) => [w.key.version, w.ready])).toEqual([['shop-r1', 6]]);
      // A failed or aborted revision is not released again by itself.
      expect((await desk.track()).active).toBeNull();
      const retry = await desk.command('retry', { kind: 'Release', name: 'shop-local-r2' });
      expect(retry.message).toContain('shop-local-r2-2');
    }));

  it('a plan whose hash differs is refused', () =>
    withControllers(async (desk) => {
      await desk.apply(1, { release: 'manual' });
      const refused = await desk.command(
        'release',
        { kind: 'Application', name: 'shop' },
        { plan: 'abcdef' },
      );
      expect(refused).toMatchObject({ state: 'refused' });
      const { plan } = await desk.planner.plan({
        namespace: 'default',
        application: 'shop',
        environment: 'local',
      });
      const answer = await desk.command(
        'release',
        { kind: 'Application', name: 'shop' },
        { plan: plan.hash.slice(0, 6) },
      );
      expect(answer.state).toBe('done');
      expect((await desk.ended('shop-local-r1')).spec.plan.hash).toBe(plan.hash);
    }));

  it('a change of replicas applies in place and makes no revision', () =>
    withControllers(async (desk) => {
      await desk.apply(1);
      await desk.ended('shop-local-r1');
      expect(
        (await desk.command('scale', { kind: 'Application', name: 'shop' }, { replicas: 8 })).state,
      ).toBe('done');
      await eventually('eight instances', async () =>
        (await desk.bench.cluster.driver.list())[0]?.ready === 8 ? true : undefined,
      );
      expect((await desk.track()).nextRevision).toBe(2);
    }));

  it('several commands to scale that come together are all answered, and the last counts', () =>
    withControllers(async (desk) => {
      await desk.apply(1);
      await desk.ended('shop-local-r1');
      const target = { kind: 'Application', name: 'shop' } as const;
      const sizes = [7, 5, 9, 8];
      const answers = await Promise.all(sizes.map((replicas) => desk.command('scale', target, { replicas })));
      expect(answers.map(({ state }) => state)).toEqual(sizes.map(() => 'done'));
      await eventually('eight instances', async () =>
        (await desk.bench.cluster.driver.list())[0]?.ready === 8 ? true : undefined,
      );
    }));

  it('a second release before the flip supersedes the first', () =>
    withControllers(async (desk) => {
      await desk.apply(1);
      await desk.ended('shop-local-r1');
      await desk.apply(2, { strategy: { blueGreen: { pause: [1] } } });
      await eventually('the pause', async () =>
        (await desk.release('shop-local-r2'))?.status?.phase === 'Paused' ? true : undefined,
      );
      await desk.apply(3, blueGreen);
      expect((await desk.ended('shop-local-r2')).status?.phase).toBe('Superseded');
      expect((await desk.ended('shop-local-r3')).status?.phase).toBe('Succeeded');
    }));

  it('deleting drains and removes everything', () =>
    withControllers(async (desk) => {
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1');
      await desk.apply(2, blueGreen);
      await desk.ended('shop-local-r2');
      await desk.bench.store.delete({ kind: 'Application', namespace: 'default', name: 'shop' });
      await eventually('the application to be gone', async () =>
        (await desk.bench.store.get({ kind: 'Application', namespace: 'default', name: 'shop' })) ===
        undefined
          ? true
          : undefined,
      );
      expect(await desk.bench.cluster.driver.list()).toEqual([]);
    }));

  it('goes on after the manager’s controllers start anew', () =>
    withControllers(async (desk) => {
      await desk.apply(1);
      await desk.ended('shop-local-r1');
      for (let version = 2; version <= 4; version += 1) {
        await desk.apply(version);
        await desk.restart();
        expect((await desk.ended(`shop-local-r${version}`)).status?.phase).toBe('Succeeded');
      }
    }));

  it('a protected environment waits for its approval', () =>
    withControllers(
      async (desk) => {
        await desk.apply(1);
        const waiting = await eventually('the approval', async () => {
          const release = await desk.release('shop-local-r1');
          return release?.status?.waiting.for === 'approval' ? release.status.waiting : undefined;
        });
        expect(waiting.commands[0]).toBe('slipway approve shop-local-r1');
        await desk.command('approve', { kind: 'Release', name: 'shop-local-r1' }, {}, 'looks good');
        await desk.ended('shop-local-r1');
        const receipt = await desk.receipt('shop-local-r1');
        expect(receipt.gates).toMatchObject([
          { name: 'environment-approval', verdict: 'pass', by: 'dana', why: 'looks good' },
        ]);
      },
      { protection: { approval: { by: 'releaser' } } },
    ));
});
