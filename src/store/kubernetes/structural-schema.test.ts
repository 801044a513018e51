import { describe, expect, it } from 'vitest';
import { type Schema, structural } from './structural-schema.ts';

const ANYTHING = { 'x-kubernetes-preserve-unknown-fields': true };

describe('a schema as a custom resource takes it', () => {
  const cases: [string, Schema, Schema][] = [
    [
      'text keeps its limits',
      { type: 'string', minLength: 1, maxLength: 63, pattern: '^a' },
      { type: 'string', minLength: 1, maxLength: 63, pattern: '^a' },
    ],
    [
      'a format that the API server does not know is left out',
      { type: 'string', format: 'starts_with' },
      { type: 'string' },
    ],
    ['one that it knows stays', { type: 'string', format: 'uri' }, { type: 'string', format: 'uri' }],
    [
      'limits of JavaScript itself are none',
      { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      { type: 'integer', minimum: 0 },
    ],
    ['a default is left to the program', { type: 'boolean', default: true }, { type: 'boolean' }],
    [
      'a count or a percentage',
      { anyOf: [{ type: 'integer' }, { type: 'string' }] },
      { 'x-kubernetes-int-or-string': true },
    ],
    [
      'other alternatives are kept as they are',
      { oneOf: [{ type: 'object' }, { type: 'string' }] },
      ANYTHING,
    ],
    [
      'alternatives that may be null',
      { anyOf: [{ type: 'object' }, { type: 'string', nullable: true }] },
      { ...ANYTHING, nullable: true },
    ],
    ['what has no type holds anything', {}, ANYTHING],
    [
      'a list',
      { type: 'array', items: { type: 'string' }, maxItems: 3 },
      { type: 'array', items: { type: 'string' }, maxItems: 3 },
    ],
    [
      'a map',
      { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 9 },
      { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 9 },
    ],
    [
      'a map of anything',
      { type: 'object', additionalProperties: {} },
      { type: 'object', additionalProperties: ANYTHING },
    ],
    [
      'an object that takes no other keys loses them',
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false },
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    ],
    [
      'one that takes others keeps them',
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: {} },
      { type: 'object', properties: { a: { type: 'string' } }, ...ANYTHING },
    ],
  ];
  it.each(cases)('%s', (_, schema, expected) => expect(structural(schema)).toEqual(expected));
});
