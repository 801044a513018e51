import { createRequire } from 'node:module';
import { messageOf } from './errors.ts';

/** Longer ones are programs, and nobody reviews a program in a gate. In characters. */
export const MAX_EXPRESSION = 2_048;

/** What an expression of a gate may look at: `response` and these fields of it. */
const FIELDS = ['status', 'headers', 'body', 'json'];

/** Names that CEL itself gives: its types, and the beginnings of the well-known ones. */
const TYPES = new Set(
  'bool bytes double dyn google int list map null_type optional_type string type uint'.split(' '),
);

/**
 * What is wrong with a CEL expression over `response`, as far as it can be known without an answer: syntax, names
 * and functions that do not exist. Null when nothing is. The compiler is loaded when the first expression comes:
 * most files have none, and it takes longer to load than all the rest of a check.
 */
export function expressionProblem(text: string): string | null {
  if (text.length > MAX_EXPRESSION) return `it is longer than ${MAX_EXPRESSION} characters`;
  const { parse, celEnv } = cel();
  try {
    const { expr } = parse(text);
    const functions = celEnv().funcs;
    return problemIn(expr, boundIn(expr), (name) => functions.find(name) !== undefined);
  } catch (error) {
    return `at character ${messageOf(error).replace(/^<input>:(?:\d+):/, '')}${comparison(text)}`;
  }
}

/** A single = outside of a text: what most languages take for an assignment, and people for a comparison. */
const comparison = (text: string): string =>
  /[^=!<>]=[^=]/.test(text.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""'))
    ? '; a comparison is written =='
    : '';

const cel = (): typeof import('@bufbuild/cel') =>
  createRequire(import.meta.url)('@bufbuild/cel') as typeof import('@bufbuild/cel');

interface Kind {
  readonly case: string;
  readonly value: Readonly<Record<string, unknown>>;
}

const kindOf = (node: unknown): Kind | undefined =>
  (node as { exprKind?: Kind } | null | undefined)?.exprKind;

const partsOf = (node: unknown): readonly unknown[] =>
  node !== null && typeof node === 'object' ? Object.values(node) : [];

/** Variables that macros such as `exists` bind, wherever they stand. */
function boundIn(node: unknown, into = new Set<string>()): ReadonlySet<string> {
  const kind = kindOf(node);
  if (kind?.case === 'comprehensionExpr')
    for (const name of ['iterVar', 'iterVar2', 'accuVar']) into.add(String(kind.value[name]));
  for (const part of partsOf(node)) boundIn(part, into);
  return into;
}

function problemIn(
  node: unknown,
  bound: ReadonlySet<string>,
  isFunction: (name: string) => boolean,
): string | null {
  const kind = kindOf(node);
  const own = kind === undefined ? null : problemOf(kind, bound, isFunction);
  if (own !== null) return own;
  for (const part of partsOf(node)) {
    const problem = problemIn(part, bound, isFunction);
    if (problem !== null) return problem;
  }
  return null;
}

function problemOf(
  { case: what, value }: Kind,
  bound: ReadonlySet<string>,
  isFunction: (name: string) => boolean,
): string | null {
  if (what === 'identExpr') {
    const name = String(value.name);
    return name === 'response' || bound.has(name) || TYPES.has(name)
      ? null
      : `there is no ${name}, only response`;
  }
  if (what === 'selectExpr') {
    const operand = kindOf(value.operand);
    const field = String(value.field);
    if (operand?.case !== 'identExpr' || operand.value.name !== 'response' || bound.has('response'))
      return null;
    return FIELDS.includes(field) ? null : `response has no ${field}, only ${FIELDS.join(', ')}`;
  }
  if (what === 'callExpr') {
    const name = String(value.function);
    // Operators have names such as `_==_` and are there when they were understood.
    return /^[A-Za-z]\w*$/.test(name) && !isFunction(name) ? `there is no function ${name}` : null;
  }
  return null;
}
