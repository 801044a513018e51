import { describe, expect, it } from 'vitest';
import { VirtualTrack, workloadOf } from '../../../test/support/virtual-track.ts';
import type { ReleasePhase } from '../../api/release.ts';
import { automatic } from './automatic.ts';
import { secondRelease, whyNotNow } from './second-release.ts';

const shop = (version: number, more: Record<string, unknown> = {}) => ({
  workload: workloadOf(version),
  ...more,
});

/** r2 of erin is under way, in this phase; r3 is asked for. */
function second(of: { phase?: ReleasePhase; flipped?: boolean; by?: string | null; policy?: object }) {
  const track = new VirtualTrack(shop(1)).settle().endRelease('Succeeded');
  track.changedBy = of.by === undefined ? 'erin' : of.by;
  track.apply(shop(2));
  const release = track.releases['shop-local-r2'];
  if (release === undefined) throw new Error('no release');
  release.status = { ...release.status, phase: of.phase ?? 'Progressing', flipped: of.flipped ?? false };
  track.written = shop(3, of.policy === undefined ? {} : { policy: { supersede: of.policy } });
  return track;
}

const cases: [string, Parameters<typeof second>[0], string][] = [
  ['a paused one', { phase: 'Paused' }, 'supersedes shop-local-r2 of erin, which is paused'],
  ['one that goes on', {}, 'supersedes shop-local-r2 of erin, which is under way'],
  ['one of nobody', { by: null }, 'supersedes shop-local-r2, which is under way'],
  ['one that has flipped', { flipped: true }, 'queued behind shop-local-r2'],
];

describe('a second release says what becomes of the first', () => {
  it.each(cases)('%s: when it is claimed', (_, of, words) => {
    const answer = second(of).command('release');
    expect(answer?.message).toBe(`release shop-local-r3, ${words}`);
  });

  it.each(cases)('%s: when the change claimed it before the command', (_, of, words) => {
    const track = second(of);
    track.step();
    const said = words.startsWith('queued') ? `is ${words}` : words;
    expect(track.command('release')?.message).toBe(`release shop-local-r3 ${said}`);
  });

  it.each(cases)('%s: in the plan', (_, of, words) => {
    const track = second(of);
    const { active } = track.track;
    if (active === null) throw new Error('nothing is active');
    const said = words.startsWith('queued') ? `is ${words}` : words;
    expect(secondRelease(track.input(), active)).toBe(`this release ${said}`);
  });

  it.each<[string, object, boolean]>([
    ['rejects', { beforeFlip: 'reject' }, true],
    ['queues', { beforeFlip: 'queue' }, false],
  ])('the plan is refused where the policy %s', (_, policy, refused) => {
    const { wanted, ...input } = second({ policy }).input();
    if (!wanted.ok) throw new Error('invalid');
    const why = whyNotNow({ wanted, ...input }, wanted.value);
    expect(why?.includes('rejects a second one') ?? false).toBe(refused);
  });
});

describe('what a change alone begins', () => {
  const live = () => new VirtualTrack(shop(1)).settle().endRelease('Succeeded');
  const hold = { since: '', by: 'dana', why: null };
  it.each<[string, (track: VirtualTrack) => void, string]>([
    ['a new revision', (t) => Object.assign(t, { written: shop(2) }), 'begins'],
    ['what is live', () => undefined, 'attempted'],
    ['what is on its way', (t) => t.apply(shop(2)), 'attempted'],
    ['manual releases', (t) => Object.assign(t, { written: shop(2, { release: 'manual' }) }), 'off'],
    ['a hold', (t) => Object.assign(t, { written: shop(2), track: { ...t.track, hold } }), 'off'],
    ['what went back', (t) => t.apply(shop(2)).endRelease('RolledBack'), 'attempted'],
    ['the live one again', (t) => (t.apply(shop(2)).endRelease('RolledBack').written = shop(1)), 'known'],
  ])('%s', (_, change, expected) => {
    const track = live();
    change(track);
    expect(automatic(track.input(), track.track)).toBe(expected);
  });
});
