import { expect, it } from 'vitest';
import type { Release } from '../../../src/api/release.ts';
import { eventually } from '../../support/eventually.ts';
import { withControllers } from './support.ts';

it('a release is written when its state changes, not with every word of its instructions', () =>
  withControllers(async (desk) => {
    const { store } = desk.bench;
    await desk.apply(1);
    await desk.ended('shop-local-r1');
    const since = (await store.list('Release')).resourceVersion;
    await desk.apply(2, { strategy: { blueGreen: { pause: [] } } });
    await desk.ended('shop-local-r2');
    const writes: Release[] = [];
    const stop = new AbortController();
    for await (const { object } of store.watch<Release>('Release', { since, signal: stop.signal })) {
      writes.push(object);
      if (typeof object.status?.receipt === 'string') break;
    }
    stop.abort();
    // Made, begun, orders and ends of three stages, the flip, its receipt; a word a second where it takes longer.
    // With every word there are 22 and more.
    const { startedAt, endedAt } = writes.at(-1)?.status ?? {};
    const seconds = Math.ceil((Date.parse(endedAt ?? '') - Date.parse(startedAt ?? '')) / 1_000);
    expect(writes.length).toBeLessThanOrEqual(12 + seconds);
  }));

it('what it waits for is said within seconds, though nothing else changes', () =>
  withControllers(async (desk) => {
    await desk.apply(1);
    await desk.ended('shop-local-r1');
    desk.bench.cluster.behave('shop-r2', { startMs: Number.POSITIVE_INFINITY });
    await desk.apply(2);
    await eventually('the words of the instruction under way', async () =>
      /of 1 ready/.test((await desk.release('shop-local-r2'))?.status?.waiting.message ?? ''),
    );
  }));
