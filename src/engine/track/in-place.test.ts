import { describe, expect, it } from 'vitest';
import { VirtualTrack, workloadOf } from '../../../test/support/virtual-track.ts';
import { previewChange } from './in-place.ts';

const PROTECTED = { protection: { approval: { by: 'releaser', expires: '1h' } } };
const spec = (version: number, replicas = 6, host = 'shop.localhost') => ({
  workload: workloadOf(version, { replicas }),
  routes: [{ host }],
  strategy: { blueGreen: { pause: [], retention: { time: '30m', count: 1 } } },
});
const released = (environment: Record<string, unknown> = PROTECTED) =>
  new VirtualTrack(spec(1), environment).settle().endRelease('Succeeded');
const changeOf = ({ track }: VirtualTrack) => {
  if (track.change === undefined) throw new Error(`nothing waits: ${JSON.stringify(track)}`);
  return track.change;
};
const inPlace = (track: VirtualTrack) => track.orders.filter(({ purpose }) => purpose === 'inPlace');

/** One that waited before the release under way began. */
const changeOfFirst = () => changeOf(released().apply(spec(1, 8)));

describe('a change in place in a protected environment', () => {
  it.each([
    ['replicas', spec(1, 8), 'shop 6 → 8 instances'],
    ['routes', spec(1, 6, 'other.localhost'), 'routes'],
    ['both', spec(1, 8, 'other.localhost'), 'shop 6 → 8 instances, routes'],
  ])('of %s waits for its approval, and then applies', (_, changed, summary) => {
    const track = released().apply(changed);
    expect(inPlace(track)).toEqual([]);
    expect(changeOf(track)).toMatchObject({ state: 'waiting', summary, who: 'releaser' });
    const change = changeOf(track).digest.slice(0, 6);
    expect(track.command('approve', { change })).toMatchObject({ state: 'done' });
    track.settle();
    expect(inPlace(track)).toHaveLength(1);
    expect(inPlace(track)[0]).toMatchObject({ routes: [{ host: changed.routes[0]?.host }] });
    track.endWork('Succeeded');
    expect(track.track.change).toBeUndefined();
    expect(track.later(60_000).track.work).toBeNull();
  });

  it.each([
    ['the change that then waits, with who answers it', PROTECTED, 'releaser'],
    ['the change that then applies by itself', {}, null],
  ])('a plan shows %s', (_, environment, approval) => {
    const track = released(environment);
    expect(previewChange(track.input(), track.track)).toBeNull();
    const shown = previewChange(track.input([], spec(1, 8)), track.track);
    expect(shown).toMatchObject({ summary: 'shop 6 → 8 instances', approval });
    if (approval !== null) expect(changeOf(track.apply(spec(1, 8))).digest).toBe(shown?.digest);
  });

  it('applies by itself where nothing is protected', () => {
    expect(inPlace(released({}).apply(spec(1, 8)))).toHaveLength(1);
  });

  it('asks again when it becomes another change, and an approval of the first does not hold for it', () => {
    const track = released().apply(spec(1, 8));
    const first = changeOf(track).digest;
    track.apply(spec(1, 60));
    expect(track.command('approve', { change: first })).toMatchObject({ state: 'refused' });
    expect(inPlace(track.settle())).toEqual([]);
  });

  it('an approval of the same wish from another start is none', () => {
    const track = released().apply(spec(1, 8));
    const first = changeOf(track).digest;
    track.command('approve', { change: first });
    track.apply(spec(1, 8)).endWork('Succeeded');
    track.apply(spec(1, 2));
    expect(changeOf(track).state).toBe('waiting');
    track.command('approve', { change: changeOf(track).digest });
    track.settle().endWork('Succeeded');
    track.apply(spec(1, 8));
    expect(changeOf(track)).toMatchObject({ state: 'waiting' });
    expect(changeOf(track).digest).not.toBe(first);
  });

  it('an approval of one does not let a way back bring about another', () => {
    const track = released().apply(spec(2)).endRelease('Succeeded').apply(spec(2, 8));
    track.command('approve', { change: changeOf(track).digest });
    expect(inPlace(track.settle())).toHaveLength(1);
    // Claimed while the approved one is being applied, so that it is made after that.
    expect(track.command('rollback')).toMatchObject({ state: 'done' });
    track.apply(spec(2, 60)).endWork('Succeeded');
    expect(track.releases['shop-local-r1-2']?.spec.replicas).toEqual({ shop: 8 });
  });

  it.each([
    ['without naming it', {}, 'say which change'],
    ['too short a name', { change: 'a' }, 'say which change'],
    ['another name', { change: '000000' }, 'and not 000000'],
  ])('approval %s is refused', (_, parameters, words) => {
    const track = released().apply(spec(1, 8));
    const answer = track.command('approve', parameters);
    expect(answer?.state).toBe('refused');
    expect(answer?.message).toContain(words);
    expect(inPlace(track.settle())).toEqual([]);
  });

  it.each(['approve', 'reject'] as const)('%s is for those whom the environment names now', (verb) => {
    const track = released().apply(spec(1, 8));
    const change = changeOf(track).digest;
    expect(track.command(verb, { change }, null, null, ['developer'])).toMatchObject({
      state: 'refused',
      message: 'dana (developer) may not answer this approval: it is for anyone with role releaser',
    });
    track.environment = { ...track.environment, protection: { approval: { by: 'lee', expires: '1h' } } };
    expect(track.command(verb, { change })).toMatchObject({ state: 'refused' });
    expect(changeOf(track.settle())).toMatchObject({ state: 'waiting', who: 'lee' });
    expect(inPlace(track)).toEqual([]);
    expect(track.command(verb, { change }, null, null, ['admin'])).toMatchObject({ state: 'done' });
  });

  it('a rejected one never applies, and may still be approved', () => {
    const track = released().apply(spec(1, 8));
    const change = changeOf(track).digest;
    track.command('reject', { change });
    expect(inPlace(track.later(86_400_000))).toEqual([]);
    expect(changeOf(track)).toMatchObject({ state: 'rejected', by: 'dana' });
    track.command('approve', { change });
    expect(inPlace(track.settle())).toHaveLength(1);
  });

  it('is refused by the clock when nobody answers', () => {
    const track = released().apply(spec(1, 8));
    expect(track.step().wakeAt).toBe(Date.parse(changeOf(track).expiresAt));
    track.later(3_600_000);
    expect(changeOf(track)).toMatchObject({ state: 'rejected', by: 'clock' });
    expect(inPlace(track)).toEqual([]);
  });

  it('is refused by the clock also while a release is under way, and wakes nobody for a time that is over', () => {
    const track = released().apply(spec(1, 8));
    track.apply(spec(2, 8)).settle();
    expect(track.track.active).not.toBeNull();
    track.track = { ...track.track, change: { ...changeOfFirst(), state: 'waiting' } };
    track.later(3_600_000);
    expect(track.step().wakeAt ?? Number.POSITIVE_INFINITY).toBeGreaterThan(track.now);
  });

  it('nothing waits when there is nothing to approve', () => {
    expect(released().command('approve', { change: 'abcdef' })).toMatchObject({ state: 'refused' });
  });

  it('comes with a release under the approval of its plan, and is not asked for twice', () => {
    const track = released().apply(spec(2, 8));
    expect(track.track.active?.release).toBe('shop-local-r2');
    expect(track.track.change).toBeUndefined();
    track.endRelease('Succeeded');
    expect(track.track.change).toBeUndefined();
    expect(inPlace(track)).toEqual([]);
  });

  it('is left alone by a rollback, which asks nobody', () => {
    const track = released();
    track.apply(spec(2)).endRelease('Succeeded');
    track.apply(spec(2, 60, 'other.localhost'));
    track.command('rollback');
    track.settle();
    expect(track.releases['shop-local-r1-2']?.spec).toMatchObject({
      replicas: { shop: 6 },
      routes: [{ host: 'shop.localhost' }],
    });
    track.endRelease('Succeeded');
    expect(changeOf(track)).toMatchObject({ state: 'waiting', summary: 'shop 6 → 60 instances, routes' });
    expect(inPlace(track)).toEqual([]);
  });

  it('does not come in with the rescue after a way back that failed', () => {
    const track = released();
    track.apply(spec(2));
    track.written = spec(2, 60, 'other.localhost');
    track.endRelease('Failed');
    expect(inPlace(track)).toMatchObject([{ replicas: { shop: 6 }, routes: [{ host: 'shop.localhost' }] }]);
    expect(inPlace(track)[0]?.instructions.map((i) => i.id)).toContain('shop/traffic');
    track.endWork('Succeeded');
    expect(changeOf(track).state).toBe('waiting');
  });

  it('scale says that it waits', () => {
    expect(released().command('scale', { replicas: 8 })?.message).toContain('waits for an approval');
  });
});
