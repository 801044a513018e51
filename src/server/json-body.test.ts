import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergePatch } from '../lib/merge-patch.ts';
import { parseJson } from './json-body.ts';

const bytes = (text: string) => Buffer.from(text);

describe('parseJson', () => {
  it.each<[string, string, RegExp]>([
    ['nothing', '', /empty/],
    ['half', '{"a":', /not JSON/],
    [
      'a secret beside the mistake',
      '{"password":"hunter2" x}',
      /^the body is not JSON( \(line 1, column \d+\))?$/,
    ],
    ['65 levels', '['.repeat(65) + ']'.repeat(65), /nested deeper than 64/],
    ['a million levels', '{"a":'.repeat(1_000_000), /nested deeper/],
    ['__proto__', '{"a":{"__proto__":{}}}', /__proto__/],
    ['an escaped __proto__', '{"\\u005f_proto__":{}}', /__proto__/],
    ['constructor', '{"constructor":{}}', /constructor/],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseJson(bytes(text))).toThrow(message);
  });

  it('reads 64 levels, and brackets in strings', () => {
    expect(() => parseJson(bytes('['.repeat(64) + ']'.repeat(64)))).not.toThrow();
    expect(parseJson(bytes('{"a":"[[[\\"[["}'))).toEqual({ a: '[[["[[' });
  });

  it('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
        const text = JSON.stringify(value);
        if (/__proto__|constructor|prototype/.test(text)) return;
        expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe('mergePatch', () => {
  // RFC 7386, appendix A.
  it.each<[unknown, unknown, unknown]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, wanted) => {
    expect(mergePatch(target, patch)).toEqual(wanted);
  });
});
