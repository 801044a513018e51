import { describe, expect, it } from 'vitest';
import { earlierAfter, rollbackTarget } from './earlier.ts';
import { initialTrack } from './input.ts';

type Step = readonly ['release' | 'rollback' | 'retry', string];

/** What a track remembers after these releases have succeeded, one after the other. */
function remembered(steps: readonly Step[]) {
  let track = initialTrack();
  for (const [reason, to] of steps) {
    const earlier = earlierAfter(track, { from: track.live, to, reason });
    track = { ...track, live: to, previous: earlier.at(-1) ?? null, earlier };
  }
  return track;
}
const ALL = ['r1', 'r2', 'r3', 'r4'];
const up = (...names: string[]): Step[] => names.map((name) => ['release', name]);
const back = (name: string): Step => ['rollback', name];

describe('a rollback', () => {
  it.each<[string, readonly Step[], readonly string[], string | null]>([
    ['of the first release goes nowhere', up('r1'), ALL, null],
    ['goes to what was live before', up('r1', 'r2', 'r3'), ALL, 'r2'],
    ['a second time goes further back', [...up('r1', 'r2', 'r3'), back('r2')], ALL, 'r1'],
    ['never goes to what was just left', [...up('r1', 'r2'), back('r1')], ALL, null],
    [
      'after a release on top of one goes under it',
      [...up('r1', 'r2', 'r3'), back('r2'), ...up('r4')],
      ALL,
      'r2',
    ],
    ['after the same again goes under it', [...up('r1', 'r2'), back('r1'), ...up('r2')], ALL, 'r1'],
    ['over several takes them all off', [...up('r1', 'r2', 'r3', 'r4'), back('r2')], ALL, 'r1'],
    ['to what was never live leaves nothing behind it', [...up('r2', 'r3'), back('r1')], ALL, null],
    ['passes over what was collected', up('r1', 'r2', 'r3'), ['r1', 'r3'], 'r1'],
    ['after a retry goes to what was live before', [...up('r1', 'r2'), ['retry', 'r3']], ALL, 'r2'],
    [
      'after the retry of a rollback goes further back',
      [...up('r1', 'r2', 'r3'), ['retry', 'r2']],
      ALL,
      'r1',
    ],
  ])('%s', (_, steps, revisions, wanted) => {
    expect(rollbackTarget(remembered(steps), revisions)).toBe(wanted);
  });

  it('goes by the one before in a track of an older program', () => {
    expect(rollbackTarget({ live: 'r3', previous: 'r2' }, ALL)).toBe('r2');
    expect(rollbackTarget({ live: 'r3', previous: null }, ALL)).toBeNull();
  });

  it('remembers so many and no more', () => {
    const names = Array.from({ length: 40 }, (_, at) => `r${at + 1}`);
    expect(remembered(up(...names)).earlier).toEqual(names.slice(19, 39));
  });
});
