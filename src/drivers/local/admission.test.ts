import { describe, expect, it } from 'vitest';
import type { TrafficWish } from '../cluster-driver.ts';
import { trafficRefusal } from './admission.ts';

const wish = (weights: Record<string, number>): TrafficWish => ({
  service: { namespace: 'n', application: 'a', environment: 'e', workload: 'w' },
  routes: [],
  weights,
  aliases: { new: null, old: null },
  fence: { subject: 's', epoch: 1, sequence: 1 },
});
/** version → [wanted, proven] */
type Capacity = Record<string, [wanted: number, proven: number]>;

describe('trafficRefusal', () => {
  const cases: [
    name: string,
    next: Record<string, number>,
    now: Record<string, number> | null,
    Capacity,
    RegExp | null,
  ][] = [
    ['a first release', { a: 100 }, null, { a: [6, 6] }, null],
    ['a full flip', { b: 100 }, { a: 100 }, { a: [6, 6], b: [6, 6] }, null],
    ['two thirds', { a: 33, b: 67 }, { a: 100 }, { a: [6, 6], b: [4, 4] }, null],
    ['a small canary', { a: 95, b: 5 }, { a: 100 }, { a: [10, 10], b: [1, 1] }, null],
    [
      'nobody proven (INV-1)',
      { b: 100 },
      { a: 100 },
      { a: [6, 6], b: [6, 0] },
      /no instance that is ready and proven/,
    ],
    ['an unknown version (INV-1)', { c: 100 }, { a: 100 }, { a: [6, 6] }, /c has no instance/],
    ['one short (INV-1)', { b: 100 }, { a: 100 }, { a: [6, 6], b: [6, 5] }, /5 of 6 instances/],
    ['a sum of 99 (INV-2)', { a: 99 }, null, { a: [1, 1] }, /sum to 99/],
    ['no weight at all (INV-2)', {}, { a: 100 }, { a: [1, 1] }, /sum to 0/],
    ['a fraction (INV-2)', { a: 50.5, b: 49.5 }, null, { a: [1, 1], b: [1, 1] }, /whole numbers/],
    ['a negative weight (INV-2)', { a: 120, b: -20 }, null, { a: [1, 1], b: [1, 1] }, /whole numbers/],
    [
      'a share that falls is not asked of the other',
      { a: 10, b: 90 },
      { a: 20, b: 80 },
      { a: [6, 0], b: [6, 6] },
      null,
    ],
    [
      'the way back from a broken version is open though short',
      { a: 100 },
      { b: 100 },
      { a: [6, 5], b: [6, 0] },
      null,
    ],
    ['but not to fewer than serve now', { a: 100 }, { b: 100 }, { a: [6, 3], b: [6, 5] }, /3 of 6/],
    ['a write that changes nothing needs nothing', { a: 100 }, { a: 100 }, { a: [6, 1] }, null],
  ];
  it.each(cases)('%s', (_name, next, now, capacity, refusal) => {
    const got = trafficRefusal(wish(next), now === null ? undefined : wish(now), (version) => {
      const [wanted, proven] = capacity[version] ?? [0, 0];
      return { wanted, proven };
    });
    if (refusal === null) expect(got).toBeNull();
    else expect(got).toMatch(refusal);
  });
});
