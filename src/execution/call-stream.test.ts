import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { collect } from '../../test/support/collect.ts';
import { type CallStreamOptions, callStream } from './call-stream.ts';

function make(more: Partial<CallStreamOptions> = {}) {
  const log: string[] = [];
  const control = new AbortController();
  const clock = autoClock();
  const stream = callStream({
    clock,
    firstAnswerMs: null,
    signal: control.signal,
    pause: () => log.push('pause'),
    resume: () => log.push('resume'),
    left: () => log.push('left'),
    ...more,
  });
  return { stream, log, control, clock };
}
const all = collect<unknown>;

describe('callStream', () => {
  it('gives what came, in order, and ends', async () => {
    const { stream, log } = make();
    stream.push(1);
    const read = all(stream.answers);
    stream.push(2);
    stream.end();
    expect(await read).toEqual([1, 2]);
    expect(log).toEqual(['left']);
  });

  it('gives what came before an error, then the error', async () => {
    const { stream } = make();
    stream.push(1);
    stream.fail(new Error('the agent left'));
    const seen: unknown[] = [];
    await expect(
      (async () => {
        for await (const data of stream.answers) seen.push(data);
      })(),
    ).rejects.toThrow('the agent left');
    expect(seen).toEqual([1]);
  });

  it('hangs up when the reader goes', async () => {
    const { stream, log } = make();
    stream.push(1);
    stream.push(2);
    for await (const _ of stream.answers) break;
    expect(log).toEqual(['left']);
  });

  it('hangs up when the signal is aborted, and ends quietly', async () => {
    const { stream, log, control } = make();
    const read = all(stream.answers);
    control.abort();
    expect(await read).toEqual([]);
    expect(log).toEqual(['left']);
  });

  it('does not wait for ever for the first answer', async () => {
    const { stream, log } = make({ firstAnswerMs: 100 });
    await expect(all(stream.answers)).rejects.toThrow(/did not answer within 100 ms/);
    expect(log).toEqual(['left']);
  });

  it('slows the sender for a slow reader', async () => {
    const { stream, log } = make();
    for (let n = 0; n < 1_000; n += 1) stream.push(n);
    expect(log).toEqual(['pause']);
    stream.end();
    expect(await all(stream.answers)).toHaveLength(1_000);
    expect(log).toEqual(['pause', 'resume', 'left']);
  });

  it('cuts a reader that takes nothing, since everything else waits behind it', async () => {
    const { stream, log, clock } = make();
    for (let n = 0; n < 1_000; n += 1) stream.push(n);
    await clock.sleep(3_000);
    expect(log).toEqual(['pause', 'resume', 'left']);
    await expect(all(stream.answers)).rejects.toThrow(/took nothing for 2000 ms/);
  });
});
