import { expect, it } from 'vitest';
import { type ErrorDetail, SlipwayError } from '../lib/errors.ts';
import { explainError } from './report-error.ts';

const why = { path: 'why', message: 'a reason is needed' };
it.each<[string, string, readonly ErrorDetail[], readonly string[]]>([
  [
    'the message has it already',
    'it is not valid: why: a reason is needed',
    [why],
    ['✗ it is not valid: why: a reason is needed'],
  ],
  [
    'the message says something else',
    'it is not valid',
    [why],
    ['✗ it is not valid', '  why: a reason is needed'],
  ],
  [
    'there are more than one',
    'it is not valid: why: a reason is needed (and 1 more)',
    [why, { path: 'by', message: 'is required' }],
    [
      '✗ it is not valid: why: a reason is needed (and 1 more)',
      '  why: a reason is needed',
      '  by: is required',
    ],
  ],
])('a problem is said once: %s', (_, message, details, lines) => {
  expect(explainError(new SlipwayError('invalid', message, { details }), false).lines).toEqual(lines);
});
