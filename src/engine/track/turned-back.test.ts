import { describe, expect, it } from 'vitest';
import { VirtualTrack, workloadOf } from '../../../test/support/virtual-track.ts';

const OLD = { host: 'shop.localhost', workload: 'web' };
const API = { host: 'api.localhost', workload: 'api' };
const spec = (version: number, routes: readonly unknown[], replicas = 6) => ({
  workloads: { web: workloadOf(version, { replicas }), api: workloadOf(version, { replicas: 2 }) },
  routes,
  strategy: { blueGreen: { pause: [], retention: { time: '30m', count: 1 } } },
});
const released = () => new VirtualTrack(spec(1, [OLD, API])).settle().endRelease('Succeeded');
const inPlace = (track: VirtualTrack) => track.orders.filter(({ purpose }) => purpose === 'inPlace');
const hosts = (routes: readonly { host?: string | undefined }[] | undefined) =>
  routes?.map(({ host }) => host);

describe('routes and replicas of a release that was turned back', () => {
  it.each(['Aborted', 'RolledBack', 'Superseded'] as const)('%s: those that stood stay', (phase) => {
    const track = released()
      .apply(spec(2, [OLD], 2))
      .endRelease(phase);
    expect(track.track.active).toBeNull();
    expect(inPlace(track.later(60_000))).toEqual([]);
  });

  it('its way back failed: the live revision gets back what stood, and not what it was to get', () => {
    const track = released()
      .apply(spec(2, [OLD], 2))
      .endRelease('Failed');
    expect(inPlace(track)).toMatchObject([{ revision: 'shop-local-r1', replicas: { web: 6, api: 2 } }]);
    expect(hosts(inPlace(track)[0]?.routes)).toEqual(['shop.localhost', 'api.localhost']);
    track.endWork('Succeeded');
    expect(inPlace(track.later(60_000))).toHaveLength(1);
  });

  it('a size that is set afterwards applies, and the routes stay', () => {
    const track = released()
      .apply(spec(2, [OLD]))
      .endRelease('Aborted');
    track.apply(spec(2, [OLD], 8));
    expect(inPlace(track)).toMatchObject([{ replicas: { web: 8, api: 2 } }]);
    expect(hosts(inPlace(track)[0]?.routes)).toEqual(['shop.localhost', 'api.localhost']);
    track.endWork('Succeeded');
    expect(inPlace(track.later(60_000))).toHaveLength(1);
  });

  it('what was set to something else since is no part of them any more', () => {
    const track = released()
      .apply(spec(2, [OLD], 2))
      .endRelease('Aborted');
    track.apply(spec(2, [OLD, API], 8)).endWork('Succeeded');
    track.apply(spec(2, [OLD], 2));
    expect(inPlace(track)).toHaveLength(2);
    expect(inPlace(track)[1]).toMatchObject({ replicas: { web: 2, api: 2 } });
    expect(hosts(inPlace(track)[1]?.routes)).toEqual(['shop.localhost']);
  });

  it('going back further does not bring them either', () => {
    const track = released()
      .apply(spec(2, [OLD, API]))
      .endRelease('Succeeded')
      .apply(spec(3, [OLD], 2))
      .endRelease('Aborted');
    expect(track.command('rollback')).toMatchObject({ state: 'done' });
    track.settle();
    const back = track.releases['shop-local-r1-2']?.spec;
    expect(back?.replicas).toEqual({ web: 6, api: 2 });
    expect(hosts(back?.routes)).toEqual(['shop.localhost', 'api.localhost']);
    track.endRelease('Succeeded');
    expect(inPlace(track.later(1_000))).toEqual([]);
  });

  it('nor does it when that is turned back as well', () => {
    const track = released()
      .apply(spec(2, [OLD, API]))
      .endRelease('Succeeded')
      .apply(spec(3, [OLD], 2))
      .endRelease('Aborted');
    track.command('rollback');
    track.settle().endRelease('Aborted');
    expect(inPlace(track.later(60_000))).toEqual([]);
  });

  it('they apply when the content is what serves again', () => {
    const track = released()
      .apply(spec(2, [OLD]))
      .endRelease('Aborted');
    track.apply(spec(1, [OLD]));
    expect(hosts(inPlace(track)[0]?.routes)).toEqual(['shop.localhost']);
  });

  it('the next release brings them, and knows what stands', () => {
    const track = released()
      .apply(spec(2, [OLD], 2))
      .endRelease('Aborted');
    track.command('release');
    track.settle();
    const again = track.releases['shop-local-r2-2']?.spec;
    expect(hosts(again?.routes)).toEqual(['shop.localhost']);
    expect(hosts(again?.routesFrom)).toEqual(['shop.localhost', 'api.localhost']);
    expect(again?.workloads.find(({ name }) => name === 'web')).toMatchObject({
      replicas: 2,
      replicasFrom: 6,
    });
    expect(again?.workloads.find(({ name }) => name === 'api')).toMatchObject({
      routed: false,
      wasRouted: true,
    });
    track.endRelease('Succeeded');
    expect(inPlace(track.later(1_000))).toEqual([]);
    expect(track.track.warm[0]?.replicas).toEqual({ api: 2, web: 6 });
  });
});

describe('routes without a workload', () => {
  it('lead to the service that they led to, whatever other services the two revisions have', () => {
    const only = (version: number, name: string) => ({
      workloads: { [name]: workloadOf(version) },
      routes: [{ host: `${name}.localhost` }],
    });
    const track = new VirtualTrack(only(1, 'web')).settle().endRelease('Succeeded').apply(only(2, 'site'));
    const release = track.releases['shop-local-r2']?.spec;
    expect(release?.routes).toMatchObject([{ host: 'site.localhost', workload: 'site' }]);
    expect(release?.routesFrom).toMatchObject([{ host: 'web.localhost', workload: 'web' }]);
  });
});

describe('a route that changes its service', () => {
  it('is refused with the reason before anything begins', () => {
    const track = released().apply(spec(2, [OLD, { ...API, workload: 'web' }]));
    expect(track.track.active).toBeNull();
    expect(track.track.refusal?.message).toContain(
      'spec.routes[1]: api.localhost/ leads to api and would lead',
    );
  });
});

describe('room for what is kept warm', () => {
  it('a third revision counts, and the refusal names it', () => {
    const track = new VirtualTrack(spec(1, [OLD]), { maxInstances: 16 }).settle().endRelease('Succeeded');
    track.apply(spec(2, [OLD])).endRelease('Succeeded');
    track.apply(spec(3, [OLD]));
    expect(track.track.active).toBeNull();
    expect(track.track.refusal?.message).toContain('needs 24 instances at its widest (8 of shop-local-r1');
    expect(track.track.refusal?.message).toContain('once the warm ones have gone');
    // Going back to the warm one itself needs no more than runs already.
    expect(track.command('rollback')).toMatchObject({ state: 'done' });
  });
});
