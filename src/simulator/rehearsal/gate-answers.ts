import type { Gate } from '../../api/gate.ts';
import { evaluateExpression } from '../../gates/evaluate-expression.ts';

/** An answer as a gate's expression sees it. */
export interface GateAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is known of how a gate that is answered well is answered. */
export type GoodAnswer =
  /** With this answer it passes: found by trying, or told. */
  | { readonly state: 'found'; readonly answer: GateAnswer }
  /** No answer passes. */
  | { readonly state: 'never'; readonly why: string }
  /** It looks at more than can be guessed. */
  | { readonly state: 'unknown' };

const EVERY_STATUS = Array.from({ length: 500 }, (_, at) => 100 + at);
const JSON_TEST =
  /response\.json((?:\.[A-Za-z_]\w*|\[['"][^'"]+['"]\])+)\s*(==|!=|>=|<=|>|<)\s*("[^"]*"|'[^']*'|-?\d+(?:\.\d+)?|true|false)/g;
const HEADER_TEST =
  /response\.headers(?:\[['"]([^'"]+)['"]\]|\.(\w+))(?:\s*==\s*|\.\w+\()\s*("[^"]*"|'[^']*')/g;
const BODY_TEST = /response\.body(\s*==\s*|\.\w+\()\s*("[^"]*"|'[^']*')/g;

/** Looks for an answer with which an `http` gate passes. Of a status alone every one is tried, so "never" is certain. */
export function goodAnswer({ http }: Pick<Gate, 'http'>, told?: GateAnswer): GoodAnswer {
  if (http === undefined) return { state: 'unknown' };
  const { expect } = http;
  if (told !== undefined)
    return passes(expect, told)
      ? { state: 'found', answer: told }
      : { state: 'never', why: `"${expect}" is false for the answer that was told` };
  const looksAtMore = /response\.(json|body|headers)|response\s*\[/.test(expect);
  const [{ headers, body }, statuses] = looksAtMore
    ? [guess(expect), [200, ...numbersIn(expect)]]
    : [{ headers: {}, body: '' }, [200, ...EVERY_STATUS]];
  for (const status of statuses) {
    const answer = { status, headers, body };
    if (passes(expect, answer)) return { state: 'found', answer };
  }
  return looksAtMore
    ? { state: 'unknown' }
    : { state: 'never', why: `"${expect}" is false for every status from 100 to 599` };
}

export function passes(expression: string, { status, headers, body }: GateAnswer): boolean {
  const judged = evaluateExpression(expression, { response: { status, headers, body, json: jsonOf(body) } });
  return judged.ok && judged.value;
}

/** Headers and a body with everything that the expression compares itself with. */
function guess(expression: string): Omit<GateAnswer, 'status'> {
  const headers: Record<string, string> = {};
  for (const [, quoted, plain, value] of expression.matchAll(HEADER_TEST))
    headers[(quoted ?? plain ?? '').toLowerCase()] = unquoted(value ?? '');
  const json: Record<string, unknown> = {};
  for (const [, path = '', operator = '', literal = ''] of expression.matchAll(JSON_TEST))
    put(json, path.match(/[A-Za-z_]\w*|(?<=['"])[^'"]+(?=['"]\])/g) ?? [], besides(operator, literal));
  const texts = [...expression.matchAll(BODY_TEST)].map(([, , text = '']) => unquoted(text));
  const body = Object.keys(json).length > 0 ? JSON.stringify(json) : texts.join('');
  return { headers, body };
}

/** A value for which the comparison holds. */
function besides(operator: string, literal: string): unknown {
  if (/^["']/.test(literal)) return operator === '!=' ? `${unquoted(literal)}-` : unquoted(literal);
  if (literal === 'true' || literal === 'false') return (literal === 'true') === (operator !== '!=');
  const value = Number(literal);
  if (operator === '>' || operator === '!=') return value + 1;
  return operator === '<' ? value - 1 : value;
}

function put(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first, ...rest] = path;
  if (first === undefined) return;
  if (rest.length === 0) Object.defineProperty(into, first, { value, enumerable: true, configurable: true });
  else {
    const inner = Object.hasOwn(into, first) ? (into[first] as Record<string, unknown>) : {};
    Object.defineProperty(into, first, { value: inner, enumerable: true, configurable: true });
    put(inner, rest, value);
  }
}

const numbersIn = (text: string): number[] => (text.match(/\b[1-5]\d\d\b/g) ?? []).map(Number);
const unquoted = (text: string): string => text.slice(1, -1);

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
