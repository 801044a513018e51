import { expect, test } from 'vitest';
import { releaseFixture } from '../../../test/support/release-fixture.ts';
import type { Track } from '../../api/revision.ts';
import { destination, turnBackWords } from './rollback.ts';

const track = (live: string | null, previous: string | null, earlier?: readonly string[]): Track['status'] =>
  ({ live, previous, earlier, warm: [] }) as unknown as Track['status'];
const there = ['shop-local-r1', 'shop-local-r2', 'shop-local-r12'];
const of = (status: Track['status'], wanted?: string) => () =>
  destination({ name: 'shop', environment: 'local', status, there, wanted });

test.each<[string, ReturnType<typeof of>, string]>([
  ['the one before', of(track('shop-local-r12', 'shop-local-r2')), 'r2'],
  ['one that is named', of(track('shop-local-r12', 'shop-local-r2'), 'r1'), 'r1'],
  ['the last that was live', of(track('shop-local-r12', null, ['shop-local-r1', 'shop-local-r2'])), 'r2'],
  [
    'the last of those that are there',
    of(track('shop-local-r2', null, ['shop-local-r1', 'shop-local-r9'])),
    'r1',
  ],
  ['by its whole name', of(track('shop-local-r12', null), 'shop-local-r2'), 'r2'],
])('rollback goes to %s', (_, asked, expected) => {
  expect(asked()).toBe(expected);
});

test.each<[string, ReturnType<typeof of>, string]>([
  ['nothing was released', of(undefined), 'Nothing of shop serves in local'],
  ['everything was aborted', of(track(null, null)), 'Nothing of shop serves in local'],
  ['it was the first', of(track('shop-local-r1', null)), 'no revision of shop in local before r1'],
  [
    'there is no such revision',
    of(track('shop-local-r12', null), 'r3'),
    'no revision r3 of shop in local; there is r1, r2 and r12',
  ],
  ['it serves already', of(track('shop-local-r12', null), 'r12'), 'r12 of shop serves in local already'],
])('rollback is refused before anybody is asked: %s', (_, asked, words) => {
  expect(asked).toThrow(words);
});

test.each<[string, string | null, string]>([
  ['another', 'shop-local-r1', 'Its users go back to r1, which gets its full strength first.'],
  ['nothing', null, 'Nothing served before it, so nothing serves then.'],
])(
  'a release under way that began at %s is turned back without a hold, and that is said',
  (_, from, line) => {
    expect(turnBackWords(releaseFixture({}, { from }))).toEqual([
      'This turns release shop-local-r2 of shop in local back.',
      line,
      'This sets no hold: r2 is not released again by itself, the next change of shop may be.',
    ]);
  },
);
