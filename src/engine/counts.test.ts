import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Count } from '../api/plan.ts';
import { evaluateAllowance, evaluateCount, evaluateWeights } from './counts.ts';

describe('evaluateCount', () => {
  const cases: [string, Count, number, number][] = [
    ['all of six', { kind: 'full' }, 6, 6],
    ['one of six', { kind: 'fixed', n: 1 }, 6, 1],
    ['never more than there are', { kind: 'fixed', n: 4 }, 3, 3],
    ['two thirds of six', { kind: 'fraction', num: 2, den: 3 }, 6, 4],
    ['half of five rounds up', { kind: 'fraction', num: 1, den: 2 }, 5, 3],
    ['one percent of ten is still one', { kind: 'fraction', num: 1, den: 100 }, 10, 1],
    ['nothing of none', { kind: 'fraction', num: 1, den: 2 }, 0, 0],
    ['rest of two thirds', { kind: 'rest', of: { num: 2, den: 3 } }, 6, 2],
    ['rest of one', { kind: 'rest', of: { n: 1 } }, 6, 5],
  ];
  it.each(cases)('%s', (_, count, full, expected) => expect(evaluateCount(count, full)).toBe(expected));

  it('a fraction and its rest always make the whole', () =>
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 100 }), (full, num) => {
        const part = evaluateCount({ kind: 'fraction', num, den: 100 }, full);
        const rest = evaluateCount({ kind: 'rest', of: { num, den: 100 } }, full);
        expect(part + rest).toBe(full);
        expect(part).toBeGreaterThanOrEqual(Math.min(1, full));
      }),
    ));
});

describe('evaluateWeights', () => {
  it('four of six is 67 %', () =>
    expect(
      evaluateWeights(
        {
          kind: 'byCapacity',
          from: { kind: 'rest', of: { num: 2, den: 3 } },
          to: { kind: 'fraction', num: 2, den: 3 },
        },
        6,
      ),
    ).toEqual({ from: 33, to: 67 }));

  it('sums to 100 and starves no side that has instances (INV-2)', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 100 }), (full, num) => {
        const to: Count = { kind: 'fraction', num, den: 100 };
        const from: Count = { kind: 'rest', of: { num, den: 100 } };
        const weights = evaluateWeights({ kind: 'byCapacity', from, to }, full);
        expect(weights.from + weights.to).toBe(100);
        expect(weights.from > 0).toBe(evaluateCount(from, full) > 0);
        expect(weights.to > 0).toBe(evaluateCount(to, full) > 0);
      }),
    ));
});

describe('evaluateAllowance', () => {
  it.each([
    ['a number', 2, 10, 'surge', 2],
    ['surge rounds up', '25%', 6, 'surge', 2],
    ['unavailable rounds down', '25%', 6, 'unavailable', 1],
    ['all of it', '100%', 6, 'surge', 6],
  ] as const)('%s', (_, value, full, kind, expected) =>
    expect(evaluateAllowance(value, full, kind)).toBe(expected),
  );
});
