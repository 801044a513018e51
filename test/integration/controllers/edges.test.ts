import { describe, expect, it } from 'vitest';
import type { Execution } from '../../../src/api/execution.ts';
import { API_VERSION } from '../../../src/api/meta.ts';
import type { Command } from '../../../src/api/release.ts';
import type { Track } from '../../../src/api/revision.ts';
import { eventually } from '../../support/eventually.ts';
import { type Desk, withControllers } from './support.ts';

const blueGreen = { strategy: { blueGreen: { pause: [] } } };
const where = { namespace: 'default' };
const digest = (n: number) => `shop@sha256:${String(n).padStart(64, '0')}`;
const service = (version: number) => ({
  artifact: digest(version),
  command: ['node', 'server.js'],
  port: {},
  replicas: 3,
  readiness: { http: { path: '/' } },
});
const worker = (version: number) => ({
  type: 'worker',
  artifact: digest(version),
  command: ['node', 'worker.js'],
  replicas: 2,
});
const routes = [{ host: 'shop.localhost', workload: 'web' }];
const several = (workloads: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  workload: undefined,
  workloads,
  routes,
  ...blueGreen,
  ...more,
});
const standing = async (desk: Desk) =>
  (await desk.bench.cluster.driver.list())
    .map((seen) => `${seen.key.version} ${seen.ready}`)
    .sort((a, b) => (a < b ? -1 : 1));
const stands = (desk: Desk, wanted: string[]) =>
  eventually(`${wanted.join(', ')} to stand`, async () =>
    JSON.stringify(await standing(desk)) === JSON.stringify(wanted) ? true : undefined,
  );
const removed = (desk: Desk) =>
  eventually('the application to be gone', async () =>
    (await desk.bench.store.get({ kind: 'Application', name: 'shop', ...where })) === undefined
      ? true
      : undefined,
  );

describe('workloads that come and go', () => {
  it('one is dropped by a release and comes back by rollback', () =>
    withControllers(async (desk) => {
      await desk.apply(1, several({ web: service(1), worker: worker(1) }));
      expect((await desk.ended('shop-local-r1')).status?.phase).toBe('Succeeded');
      await desk.apply(2, several({ web: service(2) }));
      expect((await desk.ended('shop-local-r2')).status?.phase).toBe('Succeeded');
      await desk.command('rollback', { kind: 'Application', name: 'shop' });
      expect((await desk.ended('shop-local-r1-2')).status?.phase).toBe('Succeeded');
      const seen = await standing(desk);
      expect(seen).toContain('web-r1 3');
      expect(seen).toContain('worker-r1 2');
    }));

  it('an abort of the release that drops one leaves it at full strength', () =>
    withControllers(async (desk) => {
      await desk.apply(1, several({ web: service(1), worker: worker(1) }));
      await desk.ended('shop-local-r1');
      await desk.apply(2, several({ web: service(2) }, { strategy: { blueGreen: { pause: [2] } } }));
      await eventually('the pause', async () =>
        (await desk.release('shop-local-r2'))?.status?.pause?.reason === 'plan' ? true : undefined,
      );
      await desk.command('abort', { kind: 'Release', name: 'shop-local-r2' });
      expect((await desk.ended('shop-local-r2')).status?.phase).toBe('Aborted');
      await stands(desk, ['web-r1 3', 'worker-r1 2']);
    }));
});

describe('names', () => {
  it('an application that was deleted and comes again is released anew', () =>
    withControllers(async (desk) => {
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1');
      await desk.bench.store.delete({ kind: 'Application', name: 'shop', ...where });
      await removed(desk);
      await desk.apply(1, blueGreen);
      expect((await desk.ended('shop-local-r1-2')).status?.phase).toBe('Succeeded');
      await stands(desk, ['shop-r1 6']);
      await desk.command('scale', { kind: 'Application', name: 'shop' }, { replicas: 7 });
      await stands(desk, ['shop-r1 7']);
      await desk.bench.store.delete({ kind: 'Application', name: 'shop', ...where });
      await removed(desk);
    }));

  it('an application that comes again after retention took its releases is released under a new name', () =>
    withControllers(async (desk) => {
      const { store } = desk.bench;
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1');
      await store.delete({ kind: 'Application', name: 'shop', ...where });
      await removed(desk);
      for (const kind of ['Release', 'Receipt', 'Execution']) {
        const { items } = await store.list(kind);
        for (const { metadata } of items) await store.delete({ kind, name: metadata.name, ...where });
      }
      await desk.apply(1, blueGreen);
      expect((await desk.ended('shop-local-r1-2')).status?.phase).toBe('Succeeded');
      await stands(desk, ['shop-r1 6']);
    }));

  it('an application that comes again goes on above the epochs that the first one had, whatever the clock says', () =>
    withControllers(async (desk) => {
      const { store } = desk.bench;
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1');
      await desk.command('scale', { kind: 'Application', name: 'shop' }, { replicas: 7 });
      await stands(desk, ['shop-r1 7']);
      // Made with the clock an hour ahead, which was set right since.
      const work = await eventually('the work to be done', async () =>
        (await store.list<Execution>('Execution')).items.find(
          ({ spec, status }) => spec.release === null && status?.phase === 'Succeeded',
        ),
      );
      const ahead = Math.floor(Date.now() / 1_000) + 3_600;
      const metadata = { ...work.metadata, name: `shop-local-w${ahead}` };
      await store.create({ ...work, metadata, spec: { ...work.spec, epoch: ahead } });
      await store.delete({ kind: 'Application', name: 'shop', ...where });
      await removed(desk);
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1-2');
      const track = await store.get<Track>({ kind: 'Track', name: 'shop-local', ...where });
      expect(track?.status?.epoch).toBeGreaterThanOrEqual(ahead);
    }));

  it('two applications whose names with their environments are one do not share a track', () =>
    withControllers(async (desk) => {
      const { store } = desk.bench;
      const environment = (name: string) => ({
        apiVersion: API_VERSION,
        kind: 'Environment',
        metadata: { name, ...where },
        spec: { clusters: ['local'] },
      });
      await store.create(environment('a-b'));
      await desk.apply(1, { ...blueGreen, environments: { 'a-b': {} } });
      await desk.ended('shop-a-b-r1');
      await store.create(environment('b'));
      await store.create({
        apiVersion: API_VERSION,
        kind: 'Application',
        metadata: { name: 'shop-a', ...where },
        spec: {
          workload: service(2),
          routes: [{ host: 'a.localhost' }],
          environments: { b: {} },
        },
      });
      await eventually('the refusal', async () => {
        const shop = await store.get({ kind: 'Application', name: 'shop-a', ...where });
        return JSON.stringify(shop?.status ?? {}).includes('is taken by application shop') ? true : undefined;
      });
    }));
});

describe('commands', () => {
  it('a release that a change began names the person who asked for it, in its receipt too', () =>
    withControllers(async (desk) => {
      await desk.apply(1, { strategy: { blueGreen: { pause: [1] } } });
      await desk.ended('shop-local-r1');
      await desk.apply(2, { strategy: { blueGreen: { pause: [1] } } });
      await eventually('the release', () => desk.release('shop-local-r2'));
      await desk.command('release', { kind: 'Application', name: 'shop' }, {}, 'new shoes');
      await eventually('the pause', async () =>
        (await desk.release('shop-local-r2'))?.status?.phase === 'Paused' ? true : undefined,
      );
      await desk.command('promote', { kind: 'Release', name: 'shop-local-r2' });
      expect((await desk.ended('shop-local-r2')).spec).toMatchObject({
        requestedBy: 'dana',
        why: 'new shoes',
      });
      expect(JSON.stringify(await desk.receipt('shop-local-r2'))).toContain('new shoes');
    }));

  it('for an environment that is not there is refused', () =>
    withControllers(async (desk) => {
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1');
      await desk.bench.store.create<Command>({
        apiVersion: API_VERSION,
        kind: 'Command',
        metadata: { name: 'lost', ...where },
        spec: {
          verb: 'release',
          target: { kind: 'Application', name: 'shop' },
          environment: 'nowhere',
          by: 'dana',
          at: '2026-11-20T12:00:00.000Z',
          why: null,
          parameters: {},
        },
      });
      const answer = await eventually('the answer', async () => {
        const command = await desk.bench.store.get<Command>({ kind: 'Command', name: 'lost', ...where });
        return command?.status?.state === 'refused' ? command.status : undefined;
      });
      expect(answer.message).toContain('no environment nowhere');
    }));

  it('an abort that ends the release at once is answered by the release, every time', () =>
    withControllers(
      async (desk) => {
        for (let version = 1; version <= 5; version += 1) {
          await desk.apply(version, blueGreen);
          const name = `shop-local-r${version}`;
          await eventually('the approval', async () =>
            (await desk.release(name))?.status?.waiting.for === 'approval' ? true : undefined,
          );
          const answer = await desk.command('abort', { kind: 'Release', name });
          expect(answer.state, answer.message).toBe('done');
          await desk.ended(name);
        }
      },
      { protection: { approval: { by: 'releaser' } } },
    ));

  it('one that was decided before a crash is answered after it, though the release has ended', () =>
    withControllers(
      async (desk) => {
        const { store } = desk.bench;
        await desk.apply(1, blueGreen);
        await eventually('the approval', async () =>
          (await desk.release('shop-local-r1'))?.status?.waiting.for === 'approval' ? true : undefined,
        );
        await desk.command('abort', { kind: 'Release', name: 'shop-local-r1' });
        await desk.ended('shop-local-r1');
        const key = { kind: 'Command', name: 'command-1', ...where };
        const command = await store.get<Command>(key);
        if (command === undefined) throw new Error('no command');
        // As it stands when the answer was not written.
        await store.updateStatus<Command>({ ...command, status: { state: 'pending', message: '' } });
        await desk.restart();
        const answer = await eventually('the answer', async () => {
          const status = (await store.get<Command>(key))?.status;
          return status?.state === 'pending' ? undefined : status;
        });
        expect(answer.state).toBe('done');
      },
      { protection: { approval: { by: 'releaser' } } },
    ));
});

describe('commands that nobody could carry out', () => {
  const finished = async (desk: Desk) => {
    await desk.apply(1, blueGreen);
    await desk.ended('shop-local-r1');
  };
  const target = { kind: 'Release', name: 'shop-local-r1' } as const;

  it.each(['retry', 'rollback', 'pause'] as const)(
    '%s of a release whose application was deleted is refused',
    (verb) =>
      withControllers(async (desk) => {
        await finished(desk);
        await desk.bench.store.delete({ kind: 'Application', name: 'shop', ...where });
        await removed(desk);
        const answer = await desk.command(verb, target);
        expect(answer).toMatchObject({
          state: 'refused',
          message: `shop-local-r1 has ended (Succeeded), and nothing of shop is in local any more: there is nothing to ${verb}`,
        });
      }),
  );

  it('is refused where the release itself has gone', () =>
    withControllers(async (desk) => {
      await finished(desk);
      await desk.bench.store.delete({ ...target, ...where });
      const answer = await desk.command('retry', target);
      expect(answer).toMatchObject({
        state: 'refused',
        message: 'there is no release shop-local-r1 any more',
      });
    }));

  it('is refused when the application goes before its turn comes', () =>
    withControllers(async (desk) => {
      await finished(desk);
      const [answer] = await Promise.all([
        desk.command('pause', target),
        desk.bench.store.delete({ kind: 'Application', name: 'shop', ...where }),
      ]);
      expect(answer.state).toBe('refused');
    }));
});

describe('environments', () => {
  it('one that appears after the application that names it is released to', () =>
    withControllers(async (desk) => {
      await desk.apply(1, { ...blueGreen, environments: { staging: {} } });
      await desk.ended('shop-local-r1');
      await desk.bench.store.create({
        apiVersion: API_VERSION,
        kind: 'Environment',
        metadata: { name: 'staging', ...where },
        spec: { clusters: ['local'] },
      });
      expect((await desk.ended('shop-staging-r1')).status?.phase).toBe('Succeeded');
    }));
});

describe('queued releases', () => {
  it('one that is overtaken ends as Superseded, so that who watches it is told', () =>
    withControllers(async (desk) => {
      await desk.apply(1, blueGreen);
      await desk.ended('shop-local-r1');
      const pausing = { strategy: { blueGreen: { pause: [2] } } };
      await desk.apply(2, pausing);
      await eventually('the pause', async () =>
        (await desk.release('shop-local-r2'))?.status?.pause?.reason === 'plan' ? true : undefined,
      );
      await desk.apply(3, blueGreen);
      await eventually('the queue', async () => ((await desk.track()).queue.length === 1 ? true : undefined));
      await desk.apply(4, blueGreen);
      expect((await desk.ended('shop-local-r3')).status?.phase).toBe('Superseded');
      expect((await desk.command('promote', { kind: 'Release', name: 'shop-local-r2' })).state).toBe('done');
      expect((await desk.ended('shop-local-r4')).status?.phase).toBe('Succeeded');
    }));
});
