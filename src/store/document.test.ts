import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiObject } from '../api/meta.ts';
import { documentOf, MAX_OBJECT_BYTES, sameJson } from './document.ts';

const json = (value: unknown) => JSON.stringify(value);
const long = 'x'.repeat(700);

describe('two texts of JSON', () => {
  it.each<[string, string | undefined, string | undefined, boolean]>([
    ['nothing twice', undefined, undefined, true],
    ['nothing and something', undefined, json({}), false],
    ['the same', json({ a: 1 }), json({ a: 1 }), true],
    ['keys in another order', json({ a: 1, b: 2 }), json({ b: 2, a: 1 }), true],
    ['keys in another order, far apart', json({ a: 1, long, b: 2 }), json({ b: 2, long, a: 1 }), true],
    ['values changed over', json({ a: 1, long, b: 2 }), json({ a: 2, long, b: 1 }), false],
    ['a difference at the start', `1${long}`, `2${long}`, false],
    ['a difference at the end', json({ long, n: 1 }), json({ long, n: 2 }), false],
    [
      'a difference on the border of two pieces',
      json(`${'x'.repeat(126)}12`),
      json(`${'x'.repeat(126)}13`),
      false,
    ],
    ['another length', json({ n: 9 }), json({ n: 10 }), false],
    ['an order of items', json([1, 2]), json([2, 1]), false],
  ])('%s', (_, a, b, same) => {
    expect(sameJson(a, b)).toBe(same);
    expect(sameJson(b, a)).toBe(same);
  });

  it('mean the same however their keys are turned, and only then', () => {
    const turned = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(turned)
        : value !== null && typeof value === 'object'
          ? Object.fromEntries(
              Object.entries(value)
                .toReversed()
                .map(([k, v]) => [k, turned(v)]),
            )
          : value;
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (a, b) => {
        expect(sameJson(json(a), json(turned(JSON.parse(json(a)))))).toBe(true);
        const texts = [a, b].map((value) => json({ value, pad: long }));
        expect(sameJson(texts[0], texts[1])).toBe(texts[0] === texts[1] || sameValue(a, b));
      }),
      { numRuns: 300 },
    );
  });
});

/** By a way of its own: with every object's keys sorted. */
const sameValue = (a: unknown, b: unknown): boolean => sorted(a) === sorted(b);
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([x], [y]) => (x < y ? -1 : 1)))
      : item,
  );

describe('what an object may weigh', () => {
  const weighing = (bytes: number, letter: string): ApiObject => {
    const object = { apiVersion: 'v1', kind: 'K', metadata: { name: 'a' }, spec: '' };
    const rest = Buffer.byteLength(JSON.stringify({ apiVersion: 'v1', kind: 'K', metadata: { name: 'a' } }));
    const room = bytes - rest - '""'.length;
    const size = Buffer.byteLength(letter);
    return { ...object, spec: letter.repeat(Math.floor(room / size)) + 'x'.repeat(room % size) };
  };

  it.each(['x', 'é', '€', '😀'])('is counted in bytes: %s', (letter) => {
    expect(() => documentOf(weighing(MAX_OBJECT_BYTES, letter))).not.toThrow();
    expect(() => documentOf(weighing(MAX_OBJECT_BYTES + 1, letter))).toThrow(
      expect.objectContaining({ code: 'tooLarge' }),
    );
  });

  it('counts metadata too', () => {
    const annotations = { a: '€'.repeat(MAX_OBJECT_BYTES / 3) };
    const object = { apiVersion: 'v1', kind: 'K', metadata: { name: 'a', annotations } };
    expect(() => documentOf(object)).toThrow(expect.objectContaining({ code: 'tooLarge' }));
  });
});
