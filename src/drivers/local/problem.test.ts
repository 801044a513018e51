import { expect, it } from 'vitest';
import { problemOf, type Symptoms } from './problem.ts';

const NOW = 100_000;
const probe = (message: string) => ({ outcome: { message } });
const instance = (state: Symptoms['state'], health: object | undefined, startedAgoMs = 10_000): Symptoms => ({
  id: 'shop-r2-1-abc',
  state,
  record: { ordinal: 1, startedAt: NOW - startedAgoMs },
  health:
    health === undefined ? undefined : { failedProofs: null, lastProbe: null, lastReadyAt: null, ...health },
});
const problem = (...instances: readonly Symptoms[]) =>
  problemOf({ job: null, slots: new Map(), instances, leastBad: [], startTimeoutMs: 60_000, now: NOW });

const SICK = { lastProbe: probe('GET /healthz answered 503, not 200') };

it.each<[string, readonly Symptoms[], object | null]>([
  ['all is well', [instance('ready', {})], null],
  ['a start is no news at first', [instance('starting', SICK, 1_900)], null],
  ['nothing was asked yet', [instance('starting', {})], null],
  ['a job is asked nothing', [instance('starting', undefined)], null],
  [
    'a start says what its probe was told, and how long it may still take',
    [instance('starting', SICK)],
    {
      reason: 'probeFailed',
      message:
        '1 instance is not ready yet (shop-r2-1-abc: GET /healthz answered 503, not 200), with 50 s left of its start timeout.',
      final: false,
    },
  ],
  [
    'several starts are told by the oldest',
    [instance('starting', { lastProbe: probe('younger') }, 4_000), instance('starting', SICK)],
    { message: expect.stringMatching(/^2 instances are not ready yet \(shop-r2-1-abc: GET \/healthz/) },
  ],
  [
    'one that is ready and answers wrong says what it answers',
    [instance('ready', { failedProofs: { count: 10, reason: 'GET / answered 500' } })],
    {
      reason: 'proofFailed',
      message:
        'GET / answered 500 (shop-r2-1-abc asked through the router, 10 tries; 1 instance is ready all the same), so no traffic goes there.',
      final: true,
    },
  ],
  [
    'a readiness that was lost is told before a start',
    [instance('starting', SICK), instance('notReady', { lastProbe: probe('no answer in time') })],
    { message: expect.stringContaining('not ready any more (shop-r2-1-abc: no answer in time)') },
  ],
])('%s', (_, instances, expected) => {
  const found = problem(...instances);
  if (expected === null) expect(found).toBeNull();
  else expect(found).toMatchObject(expected);
});
