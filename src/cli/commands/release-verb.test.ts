import { expect, test } from 'vitest';
import type { Track } from '../../api/revision.ts';
import { queuedBehind } from './release-verb.ts';

const superseding = (active: string, release: string): Track['status'] =>
  ({ active: { release: active }, queue: [{ release, supersedes: true }] }) as unknown as Track['status'];
const status = (active: string | null, ...queue: readonly string[]): Track['status'] =>
  ({
    active: active === null ? null : { release: active },
    queue: queue.map((release) => ({ release })),
  }) as unknown as Track['status'];

test.each<[string, Track['status'], string[]]>([
  ['under way', status('r2'), []],
  [
    'first in the queue',
    status('r1', 'r2'),
    ['◌ r2 is queued: it begins when r1 has ended.', '  slipway why r1'],
  ],
  [
    'second',
    status('r0', 'r1', 'r2'),
    ['◌ r2 is queued: it begins when r0 and r1 have ended.', '  slipway why r0'],
  ],
  [
    'first, and supersedes',
    superseding('r1', 'r2'),
    ['◌ r2 supersedes r1: it begins when that has turned back.', '  slipway why r1'],
  ],
  ['about to begin', status(null, 'r2'), []],
  ['nothing known', undefined, []],
])('what a queued release waits for: %s', (_, track, expected) => {
  expect(queuedBehind('r2', track)).toEqual(expected);
});
