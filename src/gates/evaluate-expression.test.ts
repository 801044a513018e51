import { afterAll, describe, expect, it } from 'vitest';
import { type ExpressionInput, evaluateExpression } from './evaluate-expression.ts';
import { workerExpressions } from './expressions.ts';

const input = (more: Partial<ExpressionInput['response']> = {}): ExpressionInput => ({
  response: {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: '{"version":"2.0.0","load":0.5,"up":[1,2,3]}',
    json: { version: '2.0.0', load: 0.5, up: [1, 2, 3], nested: { ok: true } },
    ...more,
  },
});

describe('evaluateExpression', () => {
  it.each([
    ['response.status == 200', true],
    ['response.status >= 200 && response.status < 300', true],
    ['response.status in [200, 204]', true],
    ['response.json.version == "2.0.0"', true],
    ['response.json.load < 0.9', true],
    ['response.json.nested.ok', true],
    ['size(response.json.up) == 3 && response.json.up.all(n, n > 0)', true],
    ['response.headers["content-type"].startsWith("application/json")', true],
    ['response.body.contains("1.0.0")', false],
    ['response.body.matches("version.*2\\\\.0")', true],
    ['has(response.json.missing)', false],
  ])('%s', (expression, value) =>
    expect(evaluateExpression(expression, input())).toEqual({ ok: true, value }),
  );

  it.each([
    ['no boolean', 'response.status', /gives no true or false/],
    ['a missing field', 'response.json.missing == 1', /missing/],
    ['no JSON', 'response.json.version == "2"', /./, { json: null }],
    ['no expression', 'response.status ==', /expecting|found/],
    ['an unknown name', 'process.exit(1)', /unbound function/],
    ['a way to a prototype', 'response.json.constructor == 1', /constructor/],
    ['another way', 'response.json.__proto__ == 1', /__proto__/],
    ['a program', `${'true && '.repeat(400)}true`, /longer than 2048/],
  ] as [string, string, RegExp, Partial<ExpressionInput['response']>?][])(
    'decides nothing: %s',
    (_, expression, says, more) =>
      expect(evaluateExpression(expression, input(more))).toEqual({
        ok: false,
        error: expect.stringMatching(says),
      }),
  );
});

describe('the expression thread', () => {
  const expressions = workerExpressions();
  afterAll(() => expressions.stop());

  it('decides as the function does', async () => {
    expect(await expressions.evaluate('response.status == 200', input())).toEqual({ ok: true, value: true });
    expect(await expressions.evaluate('response.missing', input())).toMatchObject({ ok: false });
  });

  it('gives up on what takes too long, and goes on', async () => {
    const list = `[${Array.from({ length: 30 }, (_, n) => n).join(',')}]`;
    const nested = (depth: number): string =>
      depth === 0 ? 'true' : `${list}.all(v${depth}, ${nested(depth - 1)})`;
    const hostile = expressions.evaluate(nested(8), input());
    const next = expressions.evaluate('response.status == 200', input());
    expect(await hostile).toEqual({ ok: false, error: expect.stringMatching(/longer than 1000 ms/) });
    expect(await next).toEqual({ ok: true, value: true });
  }, 20_000);
});
