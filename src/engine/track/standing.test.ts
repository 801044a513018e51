import { describe, expect, it } from 'vitest';
import { VirtualTrack, workloadOf } from '../../../test/support/virtual-track.ts';
import type { Standing, StandingWorkload } from '../../api/standing.ts';
import { applicationCondition } from './application-condition.ts';

const written = (version: number, replicas = 4) => ({
  workloads: { web: workloadOf(version, { replicas }) },
  routes: [{ host: 'shop.localhost', workload: 'web' }],
  strategy: { blueGreen: { pause: [], retention: { time: '30m', count: 1 } } },
});
const released = () => new VirtualTrack(written(1)).settle().endRelease('Succeeded');

const web = (version: string, wanted: number, more: Partial<StandingWorkload> = {}): StandingWorkload => ({
  ...{ workload: 'web', version, wanted, ready: wanted, problem: null },
  ...more,
});
const standing = (workloads: StandingWorkload[], weights: Record<string, number>): Standing => ({
  ...{ namespace: 'default', application: 'shop', environment: 'local', workloads },
  services: Object.keys(weights).length === 0 ? [] : [{ workload: 'web', weights }],
});
const stands = (track: VirtualTrack, ...standings: Standing[]) => {
  track.standings = standings;
  return track.settle();
};
const GOOD = standing([web('web-r1', 4)], { 'web-r1': 100 });

describe('what stands is what is live', () => {
  it('and nothing is done', () => {
    const track = stands(released(), GOOD);
    expect(track.track.work).toBeNull();
    expect(track.orders).toEqual([]);
  });

  it('or is not known, and nothing is guessed', () => {
    expect(released().settle().orders).toEqual([]);
  });
});

const down = () => standing([web('web-r1', 4, { ready: 0, problem: null })], { 'web-r1': 100 });

// Found by seed 196 of the simulator: two managers, of which one had the agent, wrote against each other without end.
describe('a trouble that was measured', () => {
  const measured = (what: Standing) => {
    const track = stands(released(), what);
    const [input, before] = [track.input(), track.track];
    return { input, before, said: applicationCondition(input, before, [], 'Ready') };
  };
  const degraded = standing(
    [
      web('web-r1', 4, {
        ready: 3,
        problem: { reason: 'crashLoop', message: 'it crashes', final: false } as never,
      }),
    ],
    { 'web-r1': 100 },
  );

  it.each([
    ['of nobody who serves', down(), 'NotReady'],
    ['of one that crashes', degraded, 'Degraded'],
  ])('%s stands until somebody measures again', (_, what, reason) => {
    const { input, before, said } = measured(what);
    expect(said).toMatchObject({ reason });
    const blind = { ...input, standings: null };
    expect(applicationCondition(blind, before, [said], 'Ready')).toBe(said);
    const seen = { ...input, standings: [GOOD] };
    expect(applicationCondition(seen, before, [said], 'Ready')).toMatchObject({ reason: 'Serving' });
  });

  it('says nothing of what was applied since', () => {
    const { input, before, said } = measured(down());
    const since = { ...input, standings: null, generation: input.generation + 1 };
    expect(applicationCondition(since, before, [said], 'Ready')).toMatchObject({ reason: 'Serving' });
  });

  it('nor of another version', () => {
    const { input, before, said } = measured(down());
    const other = { ...said, message: said.message.replaceAll('shop-local-r1', 'shop-local-r0') };
    const blind = { ...input, standings: null };
    expect(applicationCondition(blind, before, [other], 'Ready')).toMatchObject({ reason: 'Serving' });
  });
});

describe('what stands is something else, and what is live is brought back', () => {
  it.each([
    ['an agent that lost its wishes', standing([], {}), 'web-r1 stood at 0 of 4 instances'],
    [
      'a workload that somebody scaled',
      standing([web('web-r1', 2)], { 'web-r1': 100 }),
      'web-r1 stood at 2 of 4 instances',
    ],
    ['one scaled up', standing([web('web-r1', 9)], { 'web-r1': 100 }), 'web-r1 stood at 9 of 4 instances'],
    [
      'a route that somebody moved',
      standing([web('web-r1', 4), web('web-r7', 1)], { 'web-r7': 100 }),
      'the traffic of web went 100 % to web-r7 and not to web-r1',
    ],
    [
      'a route that is gone',
      standing([web('web-r1', 4)], {}),
      'the traffic of web went nowhere and not to web-r1',
    ],
  ])('%s', (_, what, words) => {
    const track = stands(released(), what);
    expect(track.track.work).toMatchObject({ purpose: 'inPlace', repairs: words });
    expect(track.orders.at(-1)).toMatchObject({ revision: 'shop-local-r1', replicas: { web: 4 } });
    expect(track.orders.at(-1)?.instructions.map(({ id }) => id)).toEqual([
      ...['web/ensure', 'web/ready', 'web/traffic', 'web/prove-after'],
    ]);
    expect(track.track.repaired?.what).toBe(words);
  });

  it('in every cluster', () => {
    expect(stands(released(), GOOD, standing([], {})).orders).toHaveLength(1);
  });

  it('also where the application cannot be understood', () => {
    const track = released();
    track.written = { ...written(1), workload: workloadOf(1) };
    expect(stands(track, standing([], {})).orders.at(-1)?.replicas).toEqual({ web: 4 });
  });

  it('once in ten seconds, so that two hands do not race', () => {
    const track = stands(released(), standing([], {}));
    track.endWork('Succeeded');
    expect(track.orders).toHaveLength(1);
    track.later(9_000);
    expect(track.orders).toHaveLength(1);
    track.later(1_000);
    expect(track.orders).toHaveLength(2);
  });

  it('but not while a release is under way: that brings its own', () => {
    const track = released();
    track.apply(written(2));
    expect(stands(track, standing([], {})).orders).toEqual([]);
  });

  it('but not while it is deleted', () => {
    const track = released();
    track.deleting = true;
    const orders = stands(track, standing([], {})).orders;
    expect(orders.map(({ purpose }) => purpose)).toEqual(['delete']);
  });
});

describe('warm revisions', () => {
  const warm = () => {
    const track = released();
    track.apply(written(2)).endRelease('Succeeded');
    return track;
  };

  it('stay while they stand', () => {
    const both = standing([web('web-r1', 4), web('web-r2', 4)], { 'web-r2': 100 });
    expect(stands(warm(), both).track.warm).toHaveLength(1);
  });

  it('that stand no more are retired, and going back is no flip', () => {
    const track = stands(warm(), standing([web('web-r2', 4)], { 'web-r2': 100 }));
    expect(track.track.work).toMatchObject({ purpose: 'retire', revision: 'shop-local-r1' });
  });
});

it('a new revision is never named like one that stands: a restored store has forgotten it (INV-6)', () => {
  const track = stands(new VirtualTrack(written(1)), standing([web('web-r6', 1)], { 'web-r6': 100 }));
  expect(track.track.active?.revision).toBe('shop-local-r7');
});

describe('the condition says what was measured', () => {
  const crash = { reason: 'crashLoop', message: 'exited with code 1 9 times in a row', final: true };
  const said = (track: VirtualTrack) => applicationCondition(track.input(), track.track, [], 'Ready');
  it.each([
    ['all ready', web('web-r1', 4), 'True', 'Serving', 'shop-local-r1 serves'],
    [
      'nothing ready',
      web('web-r1', 4, { ready: 0 }),
      'False',
      'NotReady',
      '0 of 4 instances of web-r1 are ready',
    ],
    [
      'crashing',
      web('web-r1', 4, { ready: 0, problem: crash }),
      'False',
      'CrashLoop',
      'exited with code 1 9 times',
    ],
    ['one crashing', web('web-r1', 4, { ready: 3, problem: crash }), 'True', 'Degraded', '3 of 4 instances'],
    ['healed', web('web-r1', 4, { ready: 4, problem: crash }), 'True', 'Serving', 'shop-local-r1 serves'],
  ] as const)('%s', (_, workload, status, reason, message) => {
    const condition = said(stands(released(), standing([workload], { 'web-r1': 100 })));
    expect(condition).toMatchObject({ status, reason, message: expect.stringContaining(message) });
  });

  it('a single instance that crashes again and again does not serve, whatever it is at this moment', () => {
    const track = new VirtualTrack(written(1, 1)).settle().endRelease('Succeeded');
    const condition = said(
      stands(track, standing([web('web-r1', 1, { problem: crash })], { 'web-r1': 100 })),
    );
    expect(condition).toMatchObject({ status: 'False', reason: 'CrashLoop' });
  });

  it('a repair is said with what stood, and why it cannot be done', () => {
    const track = stands(released(), standing([], {}));
    expect(said(track)).toMatchObject({
      status: 'False',
      reason: 'Repairing',
      message: expect.stringContaining('0 of 4'),
    });
    track.endWork('Failed');
    const work = track.works[track.track.work?.execution ?? ''];
    Object.assign(work ?? {}, { failure: { message: 'the artifact is missing.' } });
    expect(said(track).message).toContain(
      'cannot be brought back: web-r1 stood at 0 of 4 instances; the artifact is missing;',
    );
  });
});
