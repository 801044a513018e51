import { describe, expect, test } from 'vitest';
import { Gate } from '../../api/gate.ts';
import { goodAnswer, passes } from './gate-answers.ts';

const gate = (expression: string) =>
  Gate.parse({ name: 'smoke', after: 1, http: { path: '/version', expect: expression } });

describe('an answer with which a gate passes', () => {
  test.each([
    ['a status', 'response.status == 200', 200],
    ['another status', 'response.status == 418', 418],
    ['a range of statuses', 'response.status >= 201 && response.status < 300', 201],
    ['a field of the body', 'response.status == 200 && response.json.version == "2.0.0"', 200],
    ['fields within fields', 'response.json.a.b == 3 && response.json["a"].c == true', 200],
    ['more than a number', 'response.json.healthy > 3', 200],
    ['another word than this', "response.json.state != 'down'", 200],
    ['a header', 'response.headers["x-version"] == "2" && response.status == 204', 204],
    ['words of a body', 'response.body.contains("ok") && response.body.contains("2.0")', 200],
  ])('is found for %s', (_, expression, status) => {
    const found = goodAnswer(gate(expression));
    expect(found).toMatchObject({ state: 'found', answer: { status } });
    expect(found.state === 'found' && passes(expression, found.answer)).toBe(true);
  });

  test.each([
    ['two statuses at once', 'response.status == 200 && response.status == 201'],
    ['a status that is none', 'response.status == 42'],
  ])('is never there for %s, and it says why', (_, expression) => {
    expect(goodAnswer(gate(expression))).toEqual({
      state: 'never',
      why: `"${expression}" is false for every status from 100 to 599`,
    });
  });

  test.each([
    ['a pattern', 'response.body.matches("^v[0-9]+$")'],
    ['what cannot be both', 'response.json.a == 1 && response.json.a == 2'],
  ])('is not known for %s: that is no proof that there is none', (_, expression) => {
    expect(goodAnswer(gate(expression))).toEqual({ state: 'unknown' });
  });

  test('is the one that was told, or none', () => {
    const expression = 'response.body.matches("^v[0-9]+$")';
    const answer = { status: 200, headers: {}, body: 'v2' };
    expect(goodAnswer(gate(expression), answer)).toEqual({ state: 'found', answer });
    expect(goodAnswer(gate(expression), { ...answer, body: 'x' })).toMatchObject({ state: 'never' });
  });

  test('reaches no prototype, whatever a field is called', () => {
    goodAnswer(gate('response.json.__proto__.polluted == "yes"'));
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });
});
