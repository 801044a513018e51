import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { event, PODS, pod, scriptedWatch, type WatchStep } from '../../test/support/scripted-watch.ts';
import { type ErrorCode, SlipwayError } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import { KubernetesClient } from './api-client.ts';
import type { ApiConnection, Exchange } from './api-connection.ts';
import { KubernetesError, noAnswer } from './api-error.ts';
import { reflect } from './reflector.ts';
import type { KubernetesObject } from './resource-type.ts';

const MINUTE = 60_000;
const of = (code: ErrorCode, http: number) => new KubernetesError(code, 'so', { http });
const gone = of('gone', 410);
const broken = noAnswer('watch pods', 'the stream broke off');
const page = (version: number, items: readonly KubernetesObject[], next = '') => ({
  metadata: { resourceVersion: version.toString(), continue: next },
  items,
});
type Answer = ReturnType<typeof page> | Error;

/** A reflector over lists and watches that are played in their order; the last list is answered again and again. */
function world(
  lists: readonly Answer[],
  watches: readonly (readonly WatchStep[])[] = [],
  handle: (line: string) => void = () => {},
) {
  const clock = autoClock();
  const random = { next: () => 0.5 } as Random;
  const { watch, asked } = scriptedWatch(clock, watches);
  const listed: { readonly at: number; readonly query: Exchange['query'] }[] = [];
  const json = async ({ query }: Exchange) => {
    const answer = lists[Math.min(listed.push({ at: clock.monotonic(), query }), lists.length) - 1];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const connection = { json } as unknown as ApiConnection;
  const client = new KubernetesClient({ connection, clock, random, fieldManager: 'test' });
  client.watch = watch as unknown as typeof client.watch;
  const control = new AbortController();
  const told: string[] = [];
  const errors: string[] = [];
  const reflection = reflect({
    ...{ client, type: PODS, clock, random, signal: control.signal, pageSize: 2 },
    log: { ...silentLog, error: (message) => errors.push(message) },
    told: ({ type, object: { metadata } }) => {
      told.push(`${type} ${metadata.name}@${metadata.resourceVersion}`);
      handle(told.at(-1) ?? '');
    },
  });
  const run = async (forMs = 10 * MINUTE) => {
    using _ = clock.setTimer(forMs, () => control.abort(new Error('over')));
    await reflection.ended;
  };
  return { clock, control, reflection, run, told, errors, asked, listed, at: () => listed.map((l) => l.at) };
}

describe('a reflector', () => {
  it('lists, and watches from there', async () => {
    const { run, told, asked, reflection } = world(
      [page(7, [pod('a', 3), pod('b', 5)])],
      [[event('MODIFIED', 'a', 8), event('DELETED', 'b', 9), event('ADDED', 'c', 10), 'silence']],
    );
    await run(MINUTE);
    expect(told).toEqual(['ADDED a@3', 'ADDED b@5', 'MODIFIED a@8', 'DELETED b@9', 'ADDED c@10']);
    expect(asked[0]?.from).toBe('7');
    expect(reflection.known.values().map(({ metadata }) => metadata.name)).toEqual(['a', 'c']);
  });

  it('lists in pages of one state, and watches from the version of the first', async () => {
    const { run, told, asked, listed } = world([
      page(7, [pod('a', 3), pod('b', 5)], 'more'),
      page(7, [pod('c', 6)]),
    ]);
    await run(MINUTE);
    expect(listed.map(({ query }) => query)).toMatchObject([
      { limit: '2', continue: undefined },
      { limit: '2', continue: 'more' },
    ]);
    expect([told.length, asked[0]?.from]).toEqual([3, '7']);
  });

  it('tells nothing of a list whose next page is too old, and lists anew', async () => {
    const { run, told } = world([page(7, [pod('a', 3)], 'more'), gone, page(9, [pod('b', 8)])]);
    await run(MINUTE);
    expect(told).toEqual(['ADDED b@8']);
  });

  it('lists again after gone, and tells the difference alone', async () => {
    const { run, told, asked } = world(
      [
        page(7, [pod('a', 3), pod('b', 5), pod('c', 6)]),
        page(20, [pod('a', 3), pod('b', 18), pod('c', 19, 'other')]),
      ],
      [[gone], [event('MODIFIED', 'a', 21), 'silence']],
    );
    await run(MINUTE);
    expect(told.slice(3)).toEqual(['MODIFIED b@18', 'DELETED c@6', 'ADDED c@19', 'MODIFIED a@21']);
    expect(asked[1]?.from).toBe('20');
  });

  it('goes on behind a watch that breaks, without a list', async () => {
    const { run, told, listed, asked } = world(
      [page(7, [])],
      [
        [event('ADDED', 'a', 8), broken],
        [event('ADDED', 'b', 9), 'silence'],
      ],
    );
    await run(MINUTE);
    expect([told, listed.length, asked[1]?.from]).toEqual([['ADDED a@8', 'ADDED b@9'], 1, '8']);
  });

  it('survives a handler that throws', async () => {
    const { run, told, errors } = world(
      [page(7, [pod('a', 3), pod('b', 5)])],
      [[event('MODIFIED', 'a', 8), 'silence']],
      () => {
        throw new Error('not handled');
      },
    );
    await run(MINUTE);
    expect([told.length, errors.length]).toEqual([3, 3]);
  });

  it('survives a server that fails for minutes', async () => {
    const { run, told, reflection } = world([...Array(30).fill(of('internal', 500)), page(7, [pod('a', 3)])]);
    await run();
    expect(told).toEqual(['ADDED a@3']);
    await reflection.listed;
  });

  it.each<[string, Error]>([
    ['a right that is missing', of('forbidden', 403)],
    ['a kind that is not served', of('notFound', 404)],
    ['credentials that are refused', of('unauthorized', 401)],
    ['an error that nobody foresaw', new TypeError('of nothing')],
  ])('survives %s, and asks less and less often', async (_, error) => {
    const { run, at, reflection } = world([error]);
    await run(30 * MINUTE);
    const [last = 0, before = 0] = at().reverse();
    expect(last - before).toBe(30_000);
    await expect(reflection.listed).rejects.toThrow('over');
  });

  it.each<[string, Error]>([
    ['it may list and not watch', of('forbidden', 403)],
    ['every list is too old to watch from', gone],
  ])('lists less and less often where %s', async (_, error) => {
    const { run, listed } = world([page(7, [])], Array(10_000).fill([error]));
    await run(10 * MINUTE);
    expect(listed.length).toBeLessThan(35);
  });

  it('lists soon after gone where the watch had stood for long', async () => {
    const long: WatchStep[] = Array.from({ length: 10 }, () => [
      { waitMs: MINUTE },
      event('BOOKMARK', '', 8),
    ]).flat() as WatchStep[];
    const { run, at } = world([page(7, [])], [[gone], [gone], [gone], [...long, gone], ['silence']]);
    await run(12 * MINUTE);
    const [first = 0, second = 0] = at().slice(-2);
    expect(second - first).toBeLessThan(10 * MINUTE + 500);
  });
});

describe('a reflector ends', () => {
  it('with its signal, while it watches', async () => {
    const { run, clock, reflection } = world([page(7, [])]);
    await run(1_000);
    expect(clock.monotonic()).toBe(1_000);
    await reflection.listed;
  });

  it('with its signal, while it repeats a list, and the first list fails for its reason', async () => {
    const { run, clock, reflection } = world([of('internal', 500)]);
    await run(3_000);
    expect(clock.monotonic()).toBe(3_000);
    await expect(reflection.listed).rejects.toThrow('over');
  });

  it('at once where its signal is aborted, and tells nothing', async () => {
    const { control, reflection, told, listed } = world([page(7, [pod('a', 3)])]);
    control.abort(new SlipwayError('unavailable', 'it stops'));
    await reflection.ended;
    await expect(reflection.listed).rejects.toThrow('it stops');
    expect([told, listed.length]).toEqual([[], 1]);
  });
});
