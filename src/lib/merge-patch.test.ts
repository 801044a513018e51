import { describe, expect, it } from 'vitest';
import { mergePatch } from './merge-patch.ts';

describe('mergePatch', () => {
  it.each([
    ['objects merge', { a: { b: 1 } }, { a: { c: 2 } }, { a: { b: 1, c: 2 } }],
    ['null removes', { a: 1, b: 2 }, { a: null }, { b: 2 }],
    ['lists are replaced', { a: [1, 2] }, { a: [3] }, { a: [3] }],
  ])('%s', (_, target, patch, expected) => expect(mergePatch(target, patch)).toEqual(expected));

  it('leaves the prototype alone', () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"admin":true}}')) as { admin?: boolean };
    expect(merged.admin).toBeUndefined();
  });
});
