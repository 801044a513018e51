import { describe, expect, it } from 'vitest';
import { restartDelayMs, startProbeDelayMs } from './backoff.ts';
import {
  exhausted,
  type Failure,
  HEALTHY_MS,
  problemOfSlots,
  recordFailure,
  type SlotHistory,
  withLines,
} from './failures.ts';

const crash: Failure = {
  reason: 'crashLoop',
  message: 'x exited with code 3',
  permanent: false,
  lines: ['boom'],
};
const slow: Failure = { ...crash, reason: 'startTimeout' };
const failed = (times: number, failure = crash, readyForMs = 0): SlotHistory => {
  let history: SlotHistory | undefined;
  for (let n = 0; n < times; n += 1)
    history = recordFailure(history, failure, { now: 1_000 * n, readyForMs });
  if (history === undefined) throw new Error('at least once');
  return history;
};

describe('failures in a row', () => {
  it.each([
    [1, 0],
    [2, 100],
    [3, 200],
    [4, 400],
    [10, 25_600],
    [11, 30_000],
    [1_000, 30_000],
  ])('the restart after %d waits %d ms', (failures, ms) => expect(restartDelayMs(failures)).toBe(ms));

  it('begin anew after a minute of health', () => {
    expect(failed(4).failures).toBe(4);
    expect(failed(4, crash, HEALTHY_MS).failures).toBe(1);
    expect(failed(4, crash, HEALTHY_MS - 1).failures).toBe(4);
  });

  const cases: [
    name: string,
    history: SlotHistory,
    isReady: boolean,
    now: number,
    expected: object | null,
  ][] = [
    ['two crashes are none', failed(2), false, 0, null],
    ['three are a loop', failed(3), false, 0, { reason: 'crashLoop', final: false }],
    ['five are final', failed(5), false, 0, { reason: 'crashLoop', final: true }],
    ['five of one that is up again are not', failed(5), true, 4_100, { reason: 'crashLoop', final: false }],
    ['one start timeout has a fresh attempt', failed(1, slow), false, 0, { final: false }],
    ['two are final', failed(2, slow), false, 0, { reason: 'startTimeout', final: true }],
    [
      'one after a crash is not',
      recordFailure(failed(1), slow, { now: 1_000, readyForMs: 0 }),
      false,
      0,
      { reason: 'startTimeout', final: false },
    ],
    ['and soon are no problem', failed(5), true, 9_100, null],
    [
      'what cannot start is final at once',
      failed(1, { ...crash, reason: 'cannotStart', permanent: true, lines: null }),
      false,
      0,
      { reason: 'cannotStart', final: true, message: 'x exited with code 3.' },
    ],
    [
      'what is missing may come',
      failed(1, { ...crash, reason: 'secretMissing', lines: null }),
      false,
      0,
      { reason: 'secretMissing', final: false },
    ],
  ];
  it.each(cases)('%s', (_name, history, isReady, now, expected) => {
    const problem = problemOfSlots([{ history, isReady }], now);
    if (expected === null) expect(problem).toBeNull();
    else expect(problem).toMatchObject(expected);
  });

  it('say how many instances they hit, the worst first', () => {
    const problem = problemOfSlots(
      [
        { history: failed(3), isReady: false },
        { history: failed(5), isReady: false },
      ],
      0,
    );
    expect(problem?.final).toBe(true);
    expect(problem?.message).toBe(
      '2 instances: x exited with code 3 (5 times in a row). Its log says:\nboom',
    );
  });

  it('speak of an empty log only where there is one', () => {
    expect(withLines('It ended.', [])).toBe('It ended. Its log is empty.');
    expect(withLines('It ended.', null)).toBe('It ended.');
  });

  it.each(['ENOSPC', 'EAGAIN', 'EMFILE', 'ENOMEM'])('%s means that something ran out', (code) => {
    expect(exhausted(Object.assign(new Error('x'), { code }))).toBeTypeOf('string');
    expect(exhausted(new Error('x'))).toBeUndefined();
  });

  it.each([
    [0, 100, 5],
    [39, 100, 5],
    [80, 100, 10],
    [10_000, 100, 100],
    [10_000, 1, 5],
  ])('after %d ms, at an interval of %d ms, the next probe comes in %d ms', (age, interval, expected) =>
    expect(startProbeDelayMs(age, interval)).toBe(expected),
  );
});
