import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson } from './digest.ts';
import { equalJson } from './equal-json.ts';

const json = fc.object({
  maxDepth: 3,
  key: fc.constantFrom('a', 'b', '__proto__', 'toString'),
  values: [
    fc.constantFrom(0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY),
    fc.constantFrom('', 'a'),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
  ],
});

it('agrees with canonical JSON about any two values', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(equalJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
    }),
    { numRuns: 5_000 },
  );
});

it('agrees with canonical JSON about a value and an edit of it', () => {
  fc.assert(
    fc.property(
      json,
      fc.constantFrom('a', 'b', 'c'),
      fc.constantFrom(undefined, null, 1, [], [undefined]),
      (a, key, value) => {
        const b = { ...structuredClone(a), [key]: value };
        expect(equalJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
        expect(equalJson(b, a)).toBe(canonicalJson(a) === canonicalJson(b));
      },
    ),
    { numRuns: 5_000 },
  );
});
