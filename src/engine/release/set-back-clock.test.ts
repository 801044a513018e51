import { expect, it } from 'vitest';
import { VirtualRelease } from '../../../test/support/virtual-release.ts';

const HOUR = 3_600_000;
const soak = { gates: [{ name: 'watch', after: 1, soak: { duration: '30s' } }] };
const pause = { strategy: { blueGreen: { pause: [1], retention: { time: '30m', count: 1 } } } };

// Found by seed 812 of the simulator: a soak of 25 s that lasted for more than an hour.
it('a clock that was set back does not make a soak longer than it was to be from now on', () => {
  const release = new VirtualRelease({ application: soak }).settle();
  release.later(10_000).settle();
  release.later(-HOUR).settle();
  expect(release.later(29_999).settle().status.phase).toBe('Progressing');
  expect(release.later(1).settle().status.phase).toBe('Succeeded');
});

it('nor a pause', () => {
  const release = new VirtualRelease(pause).settle();
  const lasts = Date.parse(release.status.waiting.expiresAt ?? '') - release.now;
  release.later(-HOUR).settle();
  expect(Date.parse(release.status.waiting.expiresAt ?? '')).toBe(release.now + lasts);
  expect(release.later(lasts).settle().status.phase).toBe('Aborted');
});

it('and a clock that goes on leaves both as they are', () => {
  const release = new VirtualRelease(pause).settle();
  const { expiresAt } = release.status.waiting;
  expect(release.later(HOUR / 2).settle().status.waiting.expiresAt).toBe(expiresAt);
});
