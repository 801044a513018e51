import { describe, expect, it } from 'vitest';
import { VirtualTrack, workerOf, workloadOf } from '../../../test/support/virtual-track.ts';

const routes = [{ host: 'shop.localhost', workload: 'web' }];
const blueGreen = { strategy: { blueGreen: { pause: [], retention: { time: '30m', count: 1 } } } };
const both = (version: number, more: Record<string, unknown> = {}) => ({
  workloads: { web: workloadOf(version), worker: workerOf(version) },
  routes,
  ...blueGreen,
  ...more,
});
const released = (written: unknown = both(1)) => new VirtualTrack(written).settle().endRelease('Succeeded');

describe('in place', () => {
  it('never scales a workload that the file dropped: that is the next release’s to do', () => {
    const track = released();
    track.apply({
      workloads: { web: workloadOf(1, { replicas: 8 }) },
      routes,
      release: 'manual',
      ...blueGreen,
    });
    expect(track.track.work?.purpose).toBe('inPlace');
    const order = track.orders.at(-1);
    expect(order?.instructions.filter((i) => 'workload' in i && i.workload === 'worker')).toEqual([]);
    expect(order?.replicas).toMatchObject({ web: 8 });
  });

  it('that failed is set back where the application is, since it may have brought about anything', () => {
    const track = released();
    track.apply(both(1, { workloads: { web: workloadOf(1, { replicas: 8 }), worker: workerOf(1) } }));
    track.endWork('Failed', 'notReady');
    track.apply(both(1)).later(10_000);
    expect(track.track.work).toMatchObject({ purpose: 'inPlace', replicas: { web: 6, worker: 2 } });
    track.endWork('Succeeded');
    expect(track.track.work).toBeNull();
    expect(track.track.inPlaceUnknown).toBeUndefined();
  });

  it('that fails again and again keeps no warm revision beyond its time', () => {
    const track = released();
    track.apply(both(2)).endRelease('Succeeded');
    track.apply(both(2, { workloads: { web: workloadOf(2, { replicas: 8 }), worker: workerOf(2) } }));
    track
      .later(31 * 60_000)
      .endWork('Failed', 'notReady')
      .later(10_000);
    expect(track.track.work).toMatchObject({ purpose: 'retire', revision: 'shop-local-r1' });
  });

  it('is not ordered while the application is not understood, and scales nothing to 0', () => {
    const track = released();
    track.crashed = true;
    track.written = both(1, { workloads: { web: workloadOf(1, { replicas: 8 }), worker: workerOf(1) } });
    track.step();
    track.crashed = false;
    track.apply({ ...both(1), workload: workloadOf(1) });
    expect(track.orders).toEqual([]);
  });

  it('takes traffic away from a service that has no route any more', () => {
    const track = released();
    track.apply(both(1, { routes: [] }));
    expect(track.orders.at(-1)?.instructions.map((i) => i.id)).toContain('web/remove-traffic');
  });
});

describe('warm revisions', () => {
  it('one that somebody gave traffic is retired after the traffic is put right', () => {
    const track = released();
    track.apply(both(2)).endRelease('Succeeded');
    track.later(31 * 60_000);
    track.endWork('Failed', 'stillNamed').later(10_000);
    expect(track.track.work).toMatchObject({ purpose: 'inPlace', revision: 'shop-local-r2' });
    track.endWork('Succeeded');
    expect(track.track.work).toMatchObject({ purpose: 'retire', revision: 'shop-local-r1' });
  });

  it('what a failed way back left goes with its migration, which may still run', () => {
    const schema = { type: 'migration', command: ['migrate'] };
    const track = released();
    track.apply(both(2, { workloads: { web: workloadOf(2), worker: workerOf(2), schema } }));
    track.endRelease('Failed').endWork('Succeeded');
    track.apply(both(3)).endRelease('Succeeded').later(10_000);
    expect(track.orders.at(-1)).toMatchObject({ purpose: 'retire', revision: 'shop-local-r2' });
    expect(track.orders.at(-1)?.instructions).toContainEqual({
      ...{ id: 'schema/remove-job', needs: [], type: 'removeWorkload', side: 'to', workload: 'schema' },
    });
  });

  it('a piece of work that failed is thought of anew: what became live meanwhile is not retired', () => {
    const track = released();
    track.apply(both(2)).endRelease('Succeeded');
    track.later(31 * 60_000);
    expect(track.track.work).toMatchObject({ purpose: 'retire', revision: 'shop-local-r1' });
    track.endWork('Failed');
    expect(track.command('rollback')?.state).toBe('done');
    track.settle().later(10_000).endRelease('Succeeded');
    track.later(60_000);
    expect(track.track.live).toBe('shop-local-r1');
    expect(track.orders.filter((o) => o.purpose === 'retire' && o.revision === 'shop-local-r1')).toHaveLength(
      1,
    );
  });

  it('a piece of work that failed by a clock that is ahead is tried again as soon as any', () => {
    const track = released();
    track.apply(both(2)).endRelease('Succeeded');
    track.later(31 * 60_000);
    const before = track.orders.length;
    const work = track.works[track.track.work?.execution ?? ''];
    if (work === undefined) throw new Error('nothing is retired');
    Object.assign(work, { phase: 'Failed', endedAt: new Date(track.now + 3_600_000).toISOString() });
    track.later(10_000);
    expect(track.orders.length).toBeGreaterThan(before);
  });

  it('a release waits for the retiring under way, and then knows that its destination is cold', () => {
    const track = released();
    track.apply(both(2)).endRelease('Succeeded');
    track.later(31 * 60_000);
    expect(track.command('rollback')?.state).toBe('done');
    track.settle();
    expect(track.releases['shop-local-r1-2']).toBeUndefined();
    track.endWork('Succeeded');
    expect(track.releases['shop-local-r1-2']?.spec.toWasWarm).toBe(false);
  });

  it('a release waits for work whose order was saved and not made (INV-21)', () => {
    const track = released();
    track.crashed = true;
    track.written = both(1, { workloads: { web: workloadOf(1, { replicas: 8 }), worker: workerOf(1) } });
    track.step();
    expect(track.track.work?.purpose).toBe('inPlace');
    track.crashed = false;
    track.apply(both(2));
    expect(track.orders).toHaveLength(1);
    expect(track.releases['shop-local-r2']).toBeUndefined();
    track.endWork('Succeeded');
    expect(track.releases['shop-local-r2']).toBeDefined();
  });

  it.each(['blueGreen', 'scaled'])('what a failed way back left goes with the next success by %s', (name) => {
    const strategy = { strategy: { [name]: name === 'blueGreen' ? { pause: [] } : {} } };
    const track = released(both(1, strategy));
    track.apply(both(2, strategy)).endRelease('Failed');
    track.apply(both(3, strategy));
    while (track.track.work !== null) track.endWork('Succeeded');
    track.endRelease('Succeeded');
    expect(track.track.work).toMatchObject({ purpose: 'retire', revision: 'shop-local-r2' });
  });

  it('after a way back that failed, the live revision is brought to full strength and its traffic', () => {
    const track = released();
    track.apply(both(2)).endRelease('Failed');
    expect(track.track.work).toMatchObject({ purpose: 'inPlace', revision: 'shop-local-r1' });
    expect(track.orders.at(-1)?.instructions.map((i) => i.id)).toContain('web/traffic');
  });

  // Found by seed 4678 of the simulator: the file had another size by then, and users were still on both sides.
  it('and nothing of it is taken down before its traffic is back and proven', () => {
    const track = released();
    track.apply(both(2)).endRelease('Failed');
    const web = track.orders.at(-1)?.instructions.filter(({ id }) => id.startsWith('web/'));
    expect(web?.map(({ id }) => id)).toEqual([
      ...['web/ensure', 'web/ready', 'web/traffic', 'web/prove-after', 'web/size'],
    ]);
    expect(web?.[0]).toMatchObject({ atLeast: true });
    expect(web?.at(-1)).toMatchObject({ type: 'ensureWorkload', needs: ['web/prove-after'] });
    expect(web?.at(-1)).not.toHaveProperty('atLeast');
  });
});

describe('restart', () => {
  it('of a revision that a release replaced meanwhile is dropped', () => {
    const track = released();
    track.command('restart');
    track.endWork('Failed');
    track.apply(both(2));
    track.later(10_000).endRelease('Succeeded');
    expect(track.track.work).toBeNull();
    expect(track.orders.filter((o) => o.purpose === 'restart')).toHaveLength(1);
  });
});

describe('deletion', () => {
  it('drops a claim whose release was never made', () => {
    const track = released();
    track.crashed = true;
    track.written = both(2);
    track.step();
    track.crashed = false;
    track.deleting = true;
    track.written = { ...both(2), workload: workloadOf(1) };
    track.settle();
    expect(track.track.active).toBeNull();
    expect(track.track.work?.purpose).toBe('delete');
  });
});

describe('leaving an environment', () => {
  const leaving = () => {
    const track = released();
    track.deleting = true;
    return track.settle();
  };

  it('drains what is live', () => {
    expect(leaving().track.work).toMatchObject({ purpose: 'delete', revision: 'shop-local-r1' });
  });

  it('that is taken back while it drains, is released again: what was taken away is no failed attempt', () => {
    const track = leaving();
    track.deleting = false;
    track.endWork('Succeeded');
    expect(track.track).toMatchObject({ live: null, active: { release: 'shop-local-r1-2' } });
  });
});
