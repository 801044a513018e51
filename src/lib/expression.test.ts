import { describe, expect, it } from 'vitest';
import { expressionProblem } from './expression.ts';

describe('an expression', () => {
  it.each([
    'response.status == 200',
    'response.status in [200, 204] && response.body.contains("ok")',
    'response.json.items.exists(x, x.ok && size(x.name) > 0)',
    'response.json.items.map(i, i.a).size() > 1 ? true : false',
    'has(response.json.version) && response.json.version.matches("^r[0-9]+$")',
    '"x-version" in response.headers && response.headers["x-version"] == "r2"',
    'type(response.json) == map && int(response.json.n) >= 3',
  ])('%s is right', (text) => expect(expressionProblem(text)).toBeNull());

  it.each([
    ['response.status ==', 'at character 17'],
    ['response.status == 200 &&& true', 'at character 24'],
    ['response.status = 200', '; a comparison is written =='],
    ['', 'at character 1'],
    ['respons.status == 200', 'there is no respons, only response'],
    ['response.statu == 200', 'response has no statu, only status'],
    ['response.json.items.exists(x, y.ok)', 'there is no y'],
    ['fetch(response.body)', 'there is no function fetch'],
    [`response.body == "${'x'.repeat(3_000)}"`, 'longer than 2048'],
  ])('%s is wrong', (text, words) => expect(expressionProblem(text)).toContain(words));

  it.each(['response.body == "a=b" &&', 'response.status >= 200 &&', 'response.status != 200 &&'])(
    'says nothing of comparisons that are right: %s',
    (text) => expect(expressionProblem(text)).not.toContain('=='),
  );
});
