import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import type { Random } from '../lib/random.ts';
import { KubernetesError, noAnswer } from './api-error.ts';
import { isUnseen, passes, type RepeatOptions, repeat } from './repeat.ts';

const of = (http: number, retryAfterMs?: number) =>
  new KubernetesError('internal', 'so', { http, retryAfterMs: retryAfterMs ?? null });
const unanswered = noAnswer('get pods', 'it cannot be reached');

/** Attempts that fail in their order, and then succeed; and when each was made. */
async function attempts(
  failures: readonly Error[],
  { repeats, stopAt, jitter = 0.5 }: { repeats: RepeatOptions['repeats']; stopAt?: number; jitter?: number },
) {
  const clock = autoClock();
  const control = new AbortController();
  const at: number[] = [];
  if (stopAt !== undefined) clock.setTimer(stopAt, () => control.abort(new Error('over')));
  const attempt = async () => {
    const failure = failures[at.push(clock.monotonic()) - 1];
    if (failure !== undefined) throw failure;
    return 'done';
  };
  const random = { next: () => jitter } as Random;
  const outcome = await repeat(attempt, { clock, random, repeats, signal: control.signal }).catch(
    (error: unknown) => error,
  );
  return { at, outcome, endedAt: clock.monotonic() };
}

describe('what only reads is asked again', () => {
  it.each<[string, Error]>([
    ['without an answer', unanswered],
    ...[429, 500, 502, 503, 504].map((http): [string, Error] => [`after ${http}`, of(http)]),
  ])('%s', async (_, failure) => {
    expect(await attempts([failure], { repeats: passes })).toMatchObject({ at: [0, 100], outcome: 'done' });
  });

  it.each<[string, Error]>([
    ...[400, 401, 403, 404, 409, 410, 422].map((http): [string, Error] => [`after ${http}`, of(http)]),
    ['after an error of another origin', new TypeError('of nothing')],
  ])('but not %s', async (_, failure) => {
    expect(await attempts([failure], { repeats: passes })).toMatchObject({ at: [0], outcome: failure });
  });
});

it.each<[string, Error, number]>([
  ['is sent again where the server has not looked at it', of(429), 2],
  ['is not sent again where the server failed at it', of(503), 1],
  ['is not sent again where it may have happened', unanswered, 1],
])('a write %s', async (_, failure, count) => {
  expect((await attempts([failure], { repeats: isUnseen })).at).toHaveLength(count);
});

describe('the waits between attempts', () => {
  const always = Array(10).fill(unanswered);
  it.each<[string, Error[], number, number[]]>([
    ['grow, and end with the sixth attempt', always, 0.5, [0, 100, 500, 2_100, 7_100, 12_100]],
    ['are half as long at the least', always, 0, [0, 50, 250, 1_050, 3_550, 6_050]],
    ['are as long as the server asks', [of(429, 3_000)], 0.5, [0, 3_000]],
    ['are longer than the server asks where it asks for little', [of(429, 0)], 0.5, [0, 100]],
    ['are no longer than half a minute, whatever it asks', [of(429, 3_600_000)], 0.5, [0, 30_000]],
  ])('%s', async (_, failures, jitter, expected) => {
    expect((await attempts(failures, { repeats: passes, jitter })).at).toEqual(expected);
  });

  it('end with the signal, for its reason', async () => {
    const { outcome, endedAt } = await attempts(always, { repeats: passes, stopAt: 1_000 });
    expect(outcome).toMatchObject({ message: 'over' });
    expect(endedAt).toBe(1_000);
  });
});
