import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { bookmark, event, PODS, scriptedWatch, type WatchStep } from '../../test/support/scripted-watch.ts';
import { type ErrorCode, SlipwayError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import type { KubernetesClient } from './api-client.ts';
import { KubernetesError, noAnswer } from './api-error.ts';
import { resumingWatch } from './resuming-watch.ts';

const broken = noAnswer('watch pods', 'the stream broke off');
const MINUTE = 60_000;

/** Follows a watch from version 3 on for as long as `forMs`, or until it ends. */
async function follow(
  scripts: readonly (readonly WatchStep[])[],
  {
    forMs = 60 * MINUTE,
    handleMs = 0,
    silenceMs,
  }: { forMs?: number; handleMs?: number; silenceMs?: number } = {},
) {
  const clock = autoClock();
  const { watch, asked } = scriptedWatch(clock, scripts);
  const control = new AbortController();
  const told: string[] = [];
  const broke: string[] = [];
  const until = async () => {
    const watching = resumingWatch({
      client: { watch } as unknown as KubernetesClient,
      ...{ type: PODS, selection: {}, resourceVersion: '3', clock, signal: control.signal },
      ...(silenceMs === undefined ? {} : { silenceMs }),
      random: { next: () => 0.5 } as Random,
      broke: (error) => broke.push((error as Error).message),
    });
    for await (const { type, object } of watching) {
      told.push(`${type} ${object.metadata.name}@${object.metadata.resourceVersion}`);
      await clock.sleep(handleMs);
    }
  };
  using _ = clock.setTimer(forMs, () => control.abort(new Error('over')));
  const error = await until().then(
    () => undefined,
    (each: unknown) => each as SlipwayError,
  );
  return { told, broke, asked, error, from: asked.map(({ from }) => from), at: asked.map(({ at }) => at) };
}

describe('a watch that breaks goes on', () => {
  it.each<[string, WatchStep[], string]>([
    ['from the last event', [event('ADDED', 'a', 5), event('MODIFIED', 'a', 7), broken], '7'],
    ['from the version of a deletion', [event('DELETED', 'a', 9), broken], '9'],
    ['from the last bookmark', [event('ADDED', 'a', 5), bookmark(40), broken], '40'],
    ['from where it began when it heard nothing', [{ waitMs: 10 }, broken], '3'],
  ])('%s', async (_, first, version) => {
    expect((await follow([first, ['silence']], { forMs: MINUTE })).from).toEqual(['3', version]);
  });

  it('and tells every change once, and no bookmark', async () => {
    const { told } = await follow([
      [event('ADDED', 'a', 5), bookmark(6), broken],
      [broken],
      [event('MODIFIED', 'a', 7), event('DELETED', 'a', 8)],
    ]);
    expect(told).toEqual(['ADDED a@5', 'MODIFIED a@7', 'DELETED a@8']);
  });

  it.each<ErrorCode>(['unavailable', 'timeout', 'internal', 'unauthorized'])(
    'after what passes: %s',
    async (code) => {
      const { told, broke, error } = await follow([[new SlipwayError(code, 'so')], [event('ADDED', 'a', 5)]]);
      expect([told, broke[0], error]).toEqual([['ADDED a@5'], 'so', undefined]);
    },
  );

  it('but not for ever: what fails again and again is told, so that whoever listens lists again', async () => {
    const { error, broke } = await follow(Array.from({ length: 40 }, () => [broken]));
    expect(error).toBe(broken);
    expect(broke).toHaveLength(8);
  });

  it('with growing waits while it cannot stand', async () => {
    const { at } = await follow([[broken], [broken], [broken], [broken]], { forMs: MINUTE });
    expect(at).toEqual([0, 100, 300, 700, 1_500]);
  });

  it('and waits ten seconds at the most', async () => {
    const { at } = await follow(Array(100).fill([broken]), { forMs: 5 * MINUTE });
    expect(at.map((each, index) => each - (at[index - 1] ?? 0)).at(-1)).toBe(10_000);
  });

  it('with the first wait again where it stood for a while, also without an event', async () => {
    const { at } = await follow([[broken], [broken], [{ waitMs: 50_000 }, broken]], { forMs: MINUTE });
    expect(at).toEqual([0, 100, 300, 50_400]);
  });

  it('no sooner than the server asks', async () => {
    const busy = new KubernetesError('unavailable', 'too many requests', { http: 429, retryAfterMs: 5_000 });
    expect((await follow([[busy]], { forMs: MINUTE })).at).toEqual([0, 5_000]);
  });
});

describe('a watch that the server ends in order', () => {
  it('goes on at once from what it reached', async () => {
    const { asked } = await follow(
      [[event('ADDED', 'a', 5), { waitMs: MINUTE }, bookmark(8), { waitMs: MINUTE }], [{ waitMs: MINUTE }]],
      { forMs: 4 * MINUTE },
    );
    expect(asked).toMatchObject([
      { from: '3', at: 0 },
      { from: '8', at: 2 * MINUTE },
      { from: '8', at: 3 * MINUTE },
    ]);
  });

  it.each<[string, WatchStep[]]>([
    ['without a word', []],
    ['after a bookmark', [bookmark(9)]],
    ['after an event', [event('MODIFIED', 'a', 9)]],
  ])('is not asked in a hot loop where that is at once: %s', async (_, script) => {
    const { at } = await follow(Array(1_000).fill(script), { forMs: 10_000 });
    expect(at.length).toBeGreaterThan(3);
    expect(at.length).toBeLessThanOrEqual(101);
  });

  it('is asked to end after five to ten minutes', async () => {
    expect((await follow([['silence']], { forMs: 1_000 })).asked[0]?.timeoutSeconds).toBe(450);
  });
});

describe('a watch that hears nothing', () => {
  it('is given up after a minute and a half, and goes on', async () => {
    const { told, broke, asked } = await follow(
      [
        [event('ADDED', 'a', 5), 'silence'],
        [event('ADDED', 'b', 6), 'silence'],
      ],
      { forMs: 2 * MINUTE },
    );
    expect(told).toEqual(['ADDED a@5', 'ADDED b@6']);
    expect(broke).toEqual(['the watch heard nothing for 90000 ms, not even a bookmark']);
    expect(asked).toMatchObject([{ at: 0 }, { from: '5', at: 90_100 }]);
  });

  it('but a bookmark a minute is one that lives', async () => {
    const script = Array.from({ length: 5 }, (_, n) => [bookmark(n + 4), { waitMs: MINUTE }]).flat();
    expect((await follow([script], { forMs: 5 * MINUTE - 1 })).broke).toEqual([]);
  });

  it('may be given up sooner', async () => {
    expect((await follow([['silence']], { forMs: 3_000, silenceMs: 2_000 })).at).toEqual([0, 2_100]);
  });

  it('is not one whose listener takes its time', async () => {
    const script: WatchStep[] = [event('ADDED', 'a', 5), event('ADDED', 'b', 6), 'silence'];
    const { told, broke } = await follow([script], { handleMs: 2 * MINUTE, forMs: 5 * MINUTE });
    expect([told.length, broke]).toEqual([2, []]);
  });
});

describe('a watch ends', () => {
  it.each<[string, ErrorCode]>([
    ['with gone where its version is too old: list again', 'gone'],
    ['where the right to it is missing', 'forbidden'],
    ['where its kind is not served', 'notFound'],
    ['where the request is wrong', 'badRequest'],
  ])('%s', async (_, code) => {
    const { told, asked, error } = await follow([[event('ADDED', 'a', 5), new SlipwayError(code, 'so')]]);
    expect([told, asked.length, error?.code]).toEqual([['ADDED a@5'], 1, code]);
  });

  it.each<[string, WatchStep[][], number]>([
    ['before it began', [], 0],
    ['while it listens', [['silence']], 1_000],
    ['while it waits for another attempt', Array(20).fill([broken]), 8_000],
  ])('without an error when it is aborted %s', async (_, scripts, forMs) => {
    expect((await follow(scripts, { forMs })).error).toBeUndefined();
  });
});
