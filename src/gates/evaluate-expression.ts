import { isCelError, run } from '@bufbuild/cel';
import { messageOf, type Result } from '../lib/errors.ts';
import { MAX_EXPRESSION } from '../lib/expression.ts';

/** What an expression sees: plain data, no host objects (threats.md, template execution). */
export interface ExpressionInput {
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    /** The body as JSON; null where it is none. */
    readonly json: unknown;
  };
}

/** CEL over `response`. An answer that is no boolean decides nothing. */
export function evaluateExpression(expression: string, input: ExpressionInput): Result<boolean> {
  if (expression.length > MAX_EXPRESSION) {
    return { ok: false, error: `the expression is longer than ${MAX_EXPRESSION} characters` };
  }
  try {
    const { status, headers, body, json } = input.response;
    const value = run(expression, {
      response: new Map<string, unknown>([
        ['status', BigInt(status)],
        ['headers', new Map(Object.entries(headers))],
        ['body', body],
        ['json', plain(json, 0)],
      ]) as never,
    });
    if (typeof value === 'boolean') return { ok: true, value };
    if (isCelError(value)) return { ok: false, error: value.message };
    return { ok: false, error: `${expression} gives no true or false` };
  } catch (error) {
    return { ok: false, error: messageOf(error) };
  }
}

/** Maps instead of objects, so that no name reaches a prototype; whole numbers are CEL integers. */
function plain(value: unknown, depth: number): unknown {
  if (depth > 64) return null;
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (value !== null && typeof value === 'object') {
    return new Map(Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]));
  }
  return value;
}
