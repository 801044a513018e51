import { describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { isSlipwayError } from '../../lib/errors.ts';
import { systemRandom } from '../../lib/random.ts';
import { conformance } from '../conformance.ts';
import { memoryStore } from './memory-store.ts';

const ports = { clock: systemClock(), random: systemRandom() };

describe('the memory store keeps the promises of the port', () => {
  test.each(conformance.map((c) => [c.name, c] as const))('%s', async (_name, { run }) => {
    const store = memoryStore(ports);
    await run(store);
    await store.close();
  });
});

test('history is bounded by itself', async () => {
  const store = memoryStore({ ...ports, history: { maxChanges: 10 } });
  const first = await store.create({ apiVersion: 'v', kind: 'K', metadata: { name: 'a' }, spec: { n: 0 } });
  let last = first;
  for (let n = 1; n < 40; n++) last = await store.update({ ...last, spec: { n } });
  const watch = (since: string) =>
    store
      .watch('K', { since, signal: AbortSignal.timeout(5_000) })
      [Symbol.asyncIterator]()
      .next();
  await expect(watch(first.metadata.resourceVersion)).rejects.toSatisfy((e) => isSlipwayError(e, 'gone'));
  const recent = await watch(String(Number(last.metadata.resourceVersion) - 5));
  expect(recent.value?.type).toBe('MODIFIED');
});
