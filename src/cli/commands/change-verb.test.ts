import { describe, expect, it } from 'vitest';
import type { Track } from '../../api/revision.ts';
import { initialTrack } from '../../engine/track/input.ts';
import { waitingChange } from './change-verb.ts';

const change = (state: 'waiting' | 'approved' | 'rejected') => ({
  digest: 'abcdef012345',
  summary: 'shop 6 → 8 instances',
  state,
  since: '',
  expiresAt: '',
  who: 'releaser',
  by: null,
  why: null,
});
const active = {
  claim: 'x',
  release: 'shop-local-r2',
  revision: 'shop-local-r2',
  number: 2,
  digest: 'd',
  reason: 'release' as const,
  by: 'dana',
  why: null,
  at: '',
  supersedes: false,
};
const track = (
  environment: string,
  more: Partial<NonNullable<Track['status']>>,
): Pick<Track, 'spec' | 'status'> => ({
  spec: { application: 'shop', environment },
  status: { ...initialTrack(), ...more },
});
const waiting = (environment = 'production') => track(environment, { change: change('waiting') });

describe('the change in place that a word means', () => {
  it.each([
    ['the application', [waiting()], 'shop', undefined, 'production'],
    ['one that was rejected', [track('a', { change: change('rejected') })], 'shop', undefined, 'a'],
    ['the environment that is named', [waiting('a'), waiting('b')], 'shop', 'b', 'b'],
    ['a release by its name', [waiting()], 'shop-production-r2', undefined, undefined],
    ['another environment', [waiting()], 'shop', 'staging', undefined],
    ['one that is approved', [track('a', { change: change('approved') })], 'shop', undefined, undefined],
    ['nothing that waits', [track('a', {})], 'shop', undefined, undefined],
    [
      'a release under way',
      [track('a', { change: change('waiting'), active })],
      'shop',
      undefined,
      undefined,
    ],
  ])('%s', (_, tracks, word, environment, wanted) => {
    expect(waitingChange(tracks, word, environment)?.environment).toBe(wanted);
  });

  it('is asked for where there are several', () => {
    expect(() => waitingChange([waiting('a'), waiting('b')], 'shop', undefined)).toThrow('a and b');
  });
});
