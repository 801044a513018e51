import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { cloneJson } from './clone-json.ts';

it('is what JSON makes of a value, and none of its parts', () => {
  fc.assert(
    fc.property(
      fc.object({ withDate: true, withSparseArray: true, key: fc.constantFrom('a', '__proto__', 'b') }),
      (value) => {
        const copy = cloneJson(value);
        expect(copy).toEqual(JSON.parse(JSON.stringify(value)));
        expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
        for (const [name, item] of Object.entries(value))
          if (typeof item === 'object' && item !== null) expect(copy[name]).not.toBe(item);
      },
    ),
    { numRuns: 3_000 },
  );
});
