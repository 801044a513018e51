import { describe, expect, it } from 'vitest';
import { VirtualTrack, workerOf, workloadOf } from '../../../test/support/virtual-track.ts';
import { attemptsOf, supersededBy } from './claim.ts';

const routes = [{ host: 'shop.localhost', workload: 'web' }];
const blueGreen = { strategy: { blueGreen: { pause: [], retention: { time: '30m', count: 1 } } } };
const both = (version: number, more: Record<string, unknown> = {}) => ({
  workloads: { web: workloadOf(version), worker: workerOf(version, 3) },
  routes,
  ...blueGreen,
  ...more,
});
const webOnly = (version: number) => ({ ...both(version), workloads: { web: workloadOf(version) } });
const released = (written: unknown = both(1)) => new VirtualTrack(written).settle().endRelease('Succeeded');
const planOf = (track: VirtualTrack, release: string) => {
  const spec = track.releases[release]?.spec;
  if (spec === undefined) throw new Error(`no ${release}: ${JSON.stringify(track.track)}`);
  return spec;
};

describe('workloads that only one revision has', () => {
  it('one that is dropped keeps its size in the plan, for the way back', () => {
    const track = released();
    track.apply(webOnly(2));
    expect(planOf(track, 'shop-local-r2').replicas).toEqual({ web: 6, worker: 3 });
    expect(planOf(track, 'shop-local-r2').workloads.find((w) => w.name === 'worker')).toMatchObject({
      replicas: 3,
      inFrom: true,
      inTo: false,
    });
  });

  it('a rollback brings back what the newer revision dropped, though the old one is warm', () => {
    const track = released();
    track.apply(webOnly(2)).endRelease('Succeeded');
    track.command('rollback');
    track.settle();
    const spec = planOf(track, 'shop-local-r1-2');
    expect(spec.replicas).toEqual({ web: 6, worker: 3 });
    expect(spec.plan.stages.flatMap((s) => s.instructions.map((i) => i.id))).toContain('worker/ensure-new');
  });

  it('a rollback says which service of the old revision has no route in the application as it stands', () => {
    const api = { ...both(1), workloads: { web: workloadOf(1), api: workloadOf(1) } };
    const track = released({ ...api, routes: [...routes, { host: 'api.localhost', workload: 'api' }] });
    track.apply(webOnly(2)).endRelease('Succeeded');
    track.command('rollback');
    track.settle();
    expect(planOf(track, 'shop-local-r1-2').plan.warnings.join()).toContain('api');
  });
});

describe('room', () => {
  it('a flip to a warm revision needs no surge: both run already', () => {
    const track = released(both(1));
    track.apply(both(2)).endRelease('Succeeded');
    track.apply({
      ...both(2),
      strategy: { custom: { percentages: [50, 100] } },
      workloads: { web: { ...workloadOf(2), maxSurge: 1 }, worker: { ...workerOf(2, 3), maxSurge: 1 } },
    });
    expect(track.command('rollback')).toMatchObject({ state: 'done' });
  });
});

describe('claims', () => {
  it('release --plan is checked again when the release starts (INV-26)', () => {
    const track = released(both(1));
    track.apply(both(2));
    const active = track.releases['shop-local-r2'];
    if (active === undefined) throw new Error('no release');
    active.status = { ...active.status, flipped: true };
    track.written = both(3, { release: 'manual' });
    const asked = track.command('release');
    expect(asked?.message).toContain('queued');
    const hash = String(asked?.result.plan).slice(0, 12);
    track.track = { ...track.track, queue: [] };
    expect(track.command('release', { plan: hash })?.message).toContain('queued');
    track.endRelease('Succeeded', 'shop-local-r2');
    expect(track.track.active).toBeNull();
    expect(track.track.refusal?.message).toContain('something changed since');
  });

  it.each(['', 'a', 'abc'])('a plan hash as short as "%s" binds to nothing and is refused', (plan) => {
    const track = new VirtualTrack(both(1, { release: 'manual' })).settle();
    expect(track.command('release', { plan })?.state).toBe('refused');
  });

  it('a claim whose content was never stored is not filled with other content (INV-26)', () => {
    const track = released();
    track.crashed = true;
    track.written = both(2);
    track.step();
    const claimed = track.track.active?.digest;
    track.crashed = false;
    track.apply(both(3));
    for (const [name, release] of Object.entries(track.releases))
      expect(release.spec.digests.to, name).toBe(track.revisions[release.spec.to]?.digest);
    expect(
      Object.values(track.revisions).some((r) => r.digest === claimed && r.workloads[0]?.command[1] !== '2'),
    ).toBe(false);
    expect(track.track.active?.digest).not.toBe(claimed);
  });

  it('numbers go on above revisions that are there already', () => {
    const first = released();
    const again = new VirtualTrack(both(5));
    Object.assign(again.revisions, first.revisions);
    again.settle();
    expect(again.track.active?.revision).toBe('shop-local-r2');
  });

  it('what waits in the queue and has not begun is superseded by what is newer', () => {
    const track = released();
    track.apply(both(2));
    const active = track.releases['shop-local-r2'];
    if (active === undefined) throw new Error('no release');
    active.status = { ...active.status, flipped: true };
    track.apply(both(3)).apply(both(4));
    expect(track.track.queue.map((c) => c.release)).toEqual(['shop-local-r4']);
    track.endRelease('Succeeded', 'shop-local-r2');
    expect(track.track.active?.release).toBe('shop-local-r4');
  });

  it.each([
    ['before its first flip', {}, false, 'shop-local-r3'],
    ['after it, though the claim came before', {}, true, null],
    [
      'after it, where the policy says so',
      { policy: { supersede: { afterFlip: 'supersede' } } },
      true,
      'shop-local-r3',
    ],
  ])('a release makes way for the next %s', (_, policy, flipped, by) => {
    const track = released();
    track.apply(both(2));
    track.apply(both(3, policy));
    expect(track.track.queue).toMatchObject([{ release: 'shop-local-r3', supersedes: true }]);
    expect(supersededBy(track.track, 'shop-local-r2', { flipped })).toBe(by);
  });

  it('forgets attempts of revisions that are gone', () => {
    const track = released();
    track.apply(both(2)).endRelease('Succeeded');
    track.apply(both(3)).endRelease('Succeeded');
    delete track.revisions['shop-local-r1'];
    track.apply(both(4));
    expect(Object.keys(track.track.attempts)).toEqual(['shop-local-r2', 'shop-local-r3', 'shop-local-r4']);
  });
});

describe('a release in the queue', () => {
  /** r2 has flipped and goes on; r3 and what comes after it wait. */
  const queued = () => {
    const track = released(both(1));
    track.apply(both(2));
    const active = track.releases['shop-local-r2'];
    if (active === undefined) throw new Error('no release');
    active.status = { ...active.status, phase: 'Progressing', flipped: true };
    return track.apply(both(3));
  };

  it('is given up by a person, and says so as one that has ended', () => {
    const track = queued();
    expect(track.command('abort', {}, 'shop-local-r3', 'wrong build')).toMatchObject({
      state: 'done',
      message: 'release shop-local-r3 is queued behind shop-local-r2 and is given up: nothing of it began',
    });
    track.settle();
    expect(track.track).toMatchObject({ queue: [], active: { release: 'shop-local-r2' } });
    expect(track.track.dropped).toBeUndefined();
    expect(track.releases['shop-local-r3']?.status).toMatchObject({
      phase: 'Aborted',
      turn: { cause: 'abort', by: 'dana', why: 'wrong build' },
      waiting: { message: 'Aborted: given up by dana before it began (wrong build)' },
    });
    track.endRelease('Succeeded', 'shop-local-r2');
    expect(track.track).toMatchObject({ active: null, live: 'shop-local-r2' });
  });

  it('that is superseded there says by what', () => {
    const track = queued().apply(both(4));
    expect(track.releases['shop-local-r3']?.status).toMatchObject({
      phase: 'Superseded',
      waiting: { message: 'Superseded: superseded by shop-local-r4 before it began' },
    });
  });

  it('that asks for what is live when its turn comes says so', () => {
    const track = released(both(1));
    track.apply(both(2));
    const active = track.releases['shop-local-r2'];
    if (active === undefined) throw new Error('no release');
    active.status = { ...active.status, phase: 'Progressing', flipped: true };
    track.apply(both(1));
    expect(track.track.queue).toMatchObject([{ release: 'shop-local-r1-2' }]);
    track.endRelease('RolledBack', 'shop-local-r2').settle();
    expect(track.releases['shop-local-r1-2']).toMatchObject({
      spec: { from: 'shop-local-r1', to: 'shop-local-r1' },
      status: {
        phase: 'Superseded',
        turn: { cause: 'superseded', by: 'slipway', why: 'shop-local-r1 is live already', alreadyLive: true },
        waiting: { message: 'Superseded: shop-local-r1 is live already' },
      },
    });
  });

  it('takes no other verb, and stays', () => {
    const track = queued();
    expect(track.command('promote', {}, 'shop-local-r3')).toMatchObject({
      state: 'refused',
      message: 'release shop-local-r3 is queued behind shop-local-r2: there is nothing to promote yet',
    });
    expect(track.track.queue).toMatchObject([{ release: 'shop-local-r3' }]);
  });

  it('that is claimed and waits for other work is given up too', () => {
    const track = released(both(1));
    track.apply({ ...both(1), workloads: { web: workloadOf(1, { replicas: 7 }), worker: workerOf(1, 3) } });
    expect(track.track.work?.purpose).toBe('inPlace');
    track.apply(both(2));
    expect(track.releases['shop-local-r2']).toBeUndefined();
    expect(track.command('abort', {}, 'shop-local-r2')?.state).toBe('done');
    expect(track.settle().track.active).toBeNull();
    expect(track.releases['shop-local-r2']?.status.phase).toBe('Aborted');
  });
});

describe('whose release it is', () => {
  it.each([
    ['the person’s who changed the application', 'erin', 'erin'],
    ['slipway’s where nobody is known', null, 'slipway'],
  ])('%s', (_, changedBy, by) => {
    const track = released();
    track.changedBy = changedBy;
    track.apply(both(2));
    expect(planOf(track, 'shop-local-r2')).toMatchObject({ requestedBy: by, why: null });
  });

  it('slipway’s where something else than the application changed what runs', () => {
    const track = released();
    track.changedBy = 'erin';
    track.apply(both(1));
    // Such as a new value of a secret: the application's generation stays.
    track.written = both(2);
    track.settle();
    expect(planOf(track, 'shop-local-r2').requestedBy).toBe('slipway');
  });

  it('becomes theirs who ask for it by a command, with their reason', () => {
    const track = released();
    track.changedBy = 'erin';
    track.apply(both(2));
    expect(track.command('release', {}, null, 'new shoes')?.message).toContain('is under way');
    expect(planOf(track, 'shop-local-r2')).toMatchObject({ requestedBy: 'dana', why: 'new shoes' });
    expect(track.track.active).toMatchObject({ by: 'dana', why: 'new shoes' });
    track.command('release', {}, null, 'mine as well');
    expect(planOf(track, 'shop-local-r2').why).toBe('new shoes');
  });

  it('also while the claim waits in the queue', () => {
    const track = released();
    track.apply(both(2));
    const active = track.releases['shop-local-r2'];
    if (active === undefined) throw new Error('no release');
    active.status = { ...active.status, flipped: true };
    track.apply(both(3));
    expect(track.command('release', {}, null, 'next')?.message).toBe(
      'release shop-local-r3 is queued behind shop-local-r2',
    );
    track.endRelease('Succeeded', 'shop-local-r2');
    expect(planOf(track, 'shop-local-r3')).toMatchObject({ requestedBy: 'dana', why: 'next' });
  });
});

// Found by seed 374 of the simulator: a change that waited in the queue went forward again after the rollback.
describe('a rollback while changes wait', () => {
  const waiting = (answer: 'auto' | 'asked') => {
    const track = released();
    track.apply(both(2)).endRelease('Succeeded');
    track.apply(both(3));
    const active = track.releases['shop-local-r3'];
    if (active === undefined) throw new Error('no release');
    active.status = { ...active.status, flipped: true };
    track.apply(both(4));
    if (answer === 'asked') track.command('release', {}, null, 'wanted');
    active.status = { ...active.status, phase: 'Succeeded', endedAt: '2026-11-20T12:00:00.000Z' };
    track.command('rollback');
    return track;
  };

  it('takes back those that nobody asked for', () => {
    const track = waiting('auto').settle();
    expect(track.track.active?.release).toBe('shop-local-r2-2');
    expect(track.track.queue).toEqual([]);
    expect(track.releases['shop-local-r4']?.status.phase).toBe('Superseded');
    track.endRelease('Succeeded', 'shop-local-r2-2');
    expect(track.settle().track).toMatchObject({ active: null, live: 'shop-local-r2' });
  });

  it('and leaves those that somebody did ask for', () => {
    const track = waiting('asked').settle();
    expect(track.track.queue.map(({ release }) => release)).toEqual(['shop-local-r4']);
  });

  it('and what is asked for after it lifts the hold, also where it waits already', () => {
    const track = waiting('asked').settle();
    expect(track.track.hold).not.toBeNull();
    expect(track.command('release', {}, null, 'now')?.state).toBe('done');
    expect(track.track.hold).toBeNull();
  });
});

describe('verbs', () => {
  it.each(['abort', 'promote', 'resume', 'approve'] as const)(
    '%s of a release that has ended is refused in its own words',
    (verb) => {
      const track = released();
      track.track = { ...track.track, hold: { since: '', by: 'erin', why: null } };
      expect(track.command(verb, {}, 'shop-local-r1')).toMatchObject({
        state: 'refused',
        message: 'it has ended: Succeeded',
      });
      expect(track.track.hold?.by).toBe('erin');
    },
  );

  it('a second rollback goes further back, and a third has nowhere to go', () => {
    const cold = { strategy: { scaled: {} } };
    const track = released(both(1, cold));
    track.apply(both(2, cold)).endRelease('Succeeded');
    track.apply(both(3, cold)).endRelease('Succeeded');
    for (const to of ['shop-local-r2', 'shop-local-r1']) {
      expect(track.command('rollback')?.state).toBe('done');
      track.settle().endRelease('Succeeded');
      expect(track.track.live).toBe(to);
    }
    expect(track.command('rollback')).toMatchObject({
      state: 'refused',
      message: expect.stringContaining('nothing that was live before shop-local-r1'),
    });
  });

  it('a first release cannot be rolled back to somewhere else', () => {
    const track = released();
    track.apply(both(2)).endRelease('Succeeded');
    expect(track.command('rollback', {}, 'shop-local-r1')?.state).toBe('refused');
  });

  it.each([
    ['several workloads and none named', both(1), {}, 'name the workload'],
    ['a workload that is not there', both(1), { workload: 'nobody' }, 'there is no workload nobody'],
    ['routes and 0', both(1), { workload: 'web', replicas: 0 }, 'routes'],
  ])('scale is refused with %s', (_, written, parameters, words) => {
    const answer = released(written).command('scale', { replicas: 4, ...parameters });
    expect(answer).toMatchObject({ state: 'refused' });
    expect(answer?.message).toContain(words);
  });

  it('gives no name again that a release of a deleted track had, nor one that only its revision remembers', () => {
    expect(
      attemptsOf([
        { name: 'shop-local-r1', to: 'shop-local-r1' },
        { name: 'shop-local-r2-3', to: 'shop-local-r2' },
        { name: 'shop-local-r2', to: 'shop-local-r2' },
        { name: 'else', to: 'shop-local-r3' },
      ]),
    ).toEqual({ 'shop-local-r1': 1, 'shop-local-r2': 3 });
  });
});
