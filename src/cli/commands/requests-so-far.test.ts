import { expect, it } from 'vitest';
import { at, releaseFixture, TRAFFIC } from '../../../test/support/release-fixture.ts';
import { requestsSoFar } from './history.ts';

it.each([
  ['ended', releaseFixture({ phase: 'Succeeded', endedAt: at(1), traffic: TRAFFIC }), '7,914'],
  ['paused', releaseFixture({ phase: 'Paused', traffic: TRAFFIC }), '7,914 so far'],
  ['not counted', releaseFixture({ traffic: null }), 'not measured'],
])('requests of a release that is %s', (_, release, words) => {
  expect(requestsSoFar(release)).toBe(words);
});
