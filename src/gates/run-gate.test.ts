import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import type { GateRunStatus } from '../api/execution.ts';
import { Gate } from '../api/gate.ts';
import { type Answer, type Ask, runGate } from './run-gate.ts';

const gate = (more: Record<string, unknown> = {}) =>
  Gate.parse({ name: 'smoke', after: 1, http: { path: '/' }, ...more });

async function run(ask: Ask, more: Record<string, unknown> = {}) {
  const clock = autoClock();
  const seen: GateRunStatus[] = [];
  const status = await runGate({
    gate: gate(more),
    ask,
    clock,
    signal: new AbortController().signal,
    startedAt: '2026-11-20T14:02:11.123Z',
    onStatus: (now) => seen.push(now),
  });
  return { status, seen, ms: clock.monotonic() };
}
const answers = (...verdicts: Answer['verdict'][]): Ask => {
  let n = 0;
  return async () => {
    const verdict = verdicts[Math.min(n, verdicts.length - 1)] ?? 'pass';
    n += 1;
    return { verdict, message: `answer ${n}` };
  };
};

describe('runGate', () => {
  it.each([
    ['one pass', answers('pass'), {}, 'pass', 1],
    ['one fail', answers('fail'), {}, 'fail', 1],
    ['one inconclusive', answers('inconclusive'), {}, 'inconclusive', 1],
    [
      'successes in a row',
      answers('pass', 'fail', 'pass', 'pass'),
      { successes: 2, failureLimit: 2 },
      'pass',
      4,
    ],
    ['failures add up', answers('fail', 'pass', 'fail'), { successes: 5, failureLimit: 2 }, 'fail', 3],
    [
      'the last one decides its word',
      answers('fail', 'inconclusive'),
      { failureLimit: 2 },
      'inconclusive',
      2,
    ],
    ['and the other way', answers('inconclusive', 'fail'), { failureLimit: 2 }, 'fail', 2],
    ['unknown ends at once', answers('unknown'), { failureLimit: 9 }, 'unknown', 1],
  ] as const)('%s', async (_, ask, more, verdict, samples) => {
    const { status } = await run(ask, more);
    expect(status).toMatchObject({ state: 'done', verdict });
    expect(status.samples).toHaveLength(samples);
  });

  it('takes an error for no evidence', async () => {
    const { status } = await run(async () => {
      throw new Error('ECONNREFUSED');
    });
    expect(status).toMatchObject({ verdict: 'inconclusive', message: expect.stringMatching(/ECONNREFUSED/) });
  });

  it('knows nothing of a command that may run once only and gave no answer, and asks no more', async () => {
    let asked = 0;
    const { status } = await run(
      () => {
        asked += 1;
        return new Promise(() => {});
      },
      {
        timeout: '2s',
        failureLimit: 5,
        http: undefined,
        command: { argv: ['load-test'], idempotent: false },
      },
    );
    expect(status).toMatchObject({ verdict: 'unknown' });
    expect(asked).toBe(1);
  });

  it('waits no longer than the timeout for one answer', async () => {
    const { status, ms } = await run(() => new Promise(() => {}), { timeout: '2s' });
    expect(status).toMatchObject({
      verdict: 'inconclusive',
      message: expect.stringMatching(/no answer within 2\.0 s/),
    });
    expect(ms).toBeLessThan(3_000);
  });

  it('tells the one who answers that nobody waits any more', async () => {
    let told = false;
    await run(
      (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            told = true;
            reject(new Error('left'));
          });
        }),
      { timeout: '1s' },
    );
    expect(told).toBe(true);
  });

  it('leaves the interval between two askings, and keeps twenty samples', async () => {
    const { status, ms, seen } = await run(answers('fail'), { failureLimit: 50, interval: '2s' });
    expect(ms).toBe(98_000);
    expect(status.samples).toHaveLength(20);
    expect(status.samples.at(-1)?.message).toBe('answer 50');
    expect(seen.at(3)?.message).toBe('answer 3 (3 of 50 failures allowed)');
  });

  it('ends with the signal', async () => {
    const control = new AbortController();
    const running = runGate({
      gate: gate(),
      ask: () => new Promise(() => {}),
      clock: { ...autoClock(), sleep: () => new Promise(() => {}) },
      signal: control.signal,
      startedAt: '',
      onStatus: () => control.abort(new Error('cancelled')),
    });
    await expect(running).rejects.toThrow('cancelled');
  });
});
