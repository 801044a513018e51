import type * as z from 'zod';
import { type ErrorDetail, SlipwayError } from './errors.ts';

type Schema = z.core.$ZodType;
type Path = readonly PropertyKey[];

/**
 * Checks what somebody wrote against a schema, and answers every problem with its path, what was found and
 * what is allowed. With `quote: false` no value is repeated (secrets).
 */
export function findProblems(schema: z.ZodType, input: unknown, options = { quote: true }): ErrorDetail[] {
  const result = schema.safeParse(input, { reportInput: false });
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => explain(issue, [], schema, input, options.quote));
}

/** Throws `invalid` with the problems as details; does nothing where there are none. */
export function refuseProblems(what: string, problems: readonly ErrorDetail[]): void {
  if (problems.length === 0) return;
  const [first] = problems;
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  throw new SlipwayError('invalid', `${what} is not valid: ${describe(first)}${more}`, { details: problems });
}

const describe = (detail: ErrorDetail | undefined): string =>
  detail?.path === undefined || detail.path === ''
    ? (detail?.message ?? '')
    : `${detail.path}: ${detail.message}`;

/** `spec.gates[0].http`, with names that are no identifiers in brackets: `metadata.labels["a/b"]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = String(part);
    if (!/^[A-Za-z_$][\w$-]*$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

function explain(
  issue: z.core.$ZodIssue,
  prefix: Path,
  schema: Schema,
  input: unknown,
  quote: boolean,
): ErrorDetail[] {
  const path = [...prefix, ...issue.path];
  const at = (message: string): ErrorDetail[] => [{ path: pathText(path), message }];
  const found = describeFound(valueAt(input, path), quote);
  const words = wordsFor(schema, path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const allowed = fieldsAt(schema, path);
      const hint = allowed.length === 0 ? '' : `; allowed here: ${allowed.join(', ')}`;
      return issue.keys.map((key) => ({
        path: pathText([...path, key]),
        message: `there is no such field${hint}`,
      }));
    }
    case 'invalid_type':
      return at(
        found === 'nothing'
          ? `is required (${words ?? withArticle(issue.expected)})`
          : `found ${found}, allowed: ${words ?? withArticle(issue.expected)}${listOf(valueAt(input, path), issue.expected, quote)}`,
      );
    case 'invalid_value':
      return at(`found ${found}, allowed: ${issue.values.map((v) => JSON.stringify(v)).join(', ')}`);
    case 'too_small':
      return at(`found ${found}, allowed: at least ${issue.minimum}${unit(issue.origin)}`);
    case 'too_big':
      return at(`found ${found}, allowed: at most ${issue.maximum}${unit(issue.origin)}`);
    case 'invalid_union':
      return explainUnion(issue, path, schema, input, quote);
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.flatMap((inner) => [
        { path: pathText(path), message: `this name is not allowed: ${inner.message}` },
      ]);
    case 'invalid_format':
    case 'not_multiple_of':
      return at(`found ${found}, allowed: ${issue.message.replace(/^Invalid /, 'a valid ')}`);
    default:
      return at(issue.message);
  }
}

/** A line where a list belongs: how the same is written as one. */
function listOf(value: unknown, expected: string, quote: boolean): string {
  if (expected !== 'array' || typeof value !== 'string' || !quote || value.trim() === '') return '';
  const words = value.trim().split(/\s+/);
  const text = words.map((word) => (/^[\w./@-]+$/.test(word) ? word : JSON.stringify(word))).join(', ');
  return text.length > 60 ? '' : ` such as [${text}]`;
}

/** What an object or the pattern of a text says of itself (`a duration such as 30s`), where the schema has one there. */
function wordsFor(schema: Schema, path: Path): string | undefined {
  const there = schemasAt(schema, path).map(definitionOf);
  const own = there.map(({ error }) => error?.({ code: 'invalid_type' } as z.core.$ZodRawIssue));
  const checks = there.flatMap((each) => each.checks ?? []);
  const patterns = checks.map(({ _zod: { def } }) =>
    def.format === 'regex' ? def.error?.({ code: 'invalid_format' } as z.core.$ZodRawIssue) : undefined,
  );
  const said = [...own, ...patterns];
  const words = said.find((one) => one !== undefined && one !== null);
  return typeof words === 'string' ? words : words?.message;
}

/** The branch that came nearest speaks where it got inside the value; else the branches are named. */
function explainUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: Path,
  schema: Schema,
  input: unknown,
  quote: boolean,
): ErrorDetail[] {
  const inside = issue.errors.filter((branch) =>
    branch.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
  );
  const [branch] = inside.sort((a, b) => a.length - b.length);
  if (branch !== undefined) return branch.flatMap((inner) => explain(inner, path, schema, input, quote));
  const allowed = new Set(
    issue.errors.flatMap((each) =>
      each.map((inner) => (inner.code === 'invalid_type' ? withArticle(inner.expected) : inner.message)),
    ),
  );
  const found = describeFound(valueAt(input, path), quote);
  return [{ path: pathText(path), message: `found ${found}, allowed: ${[...allowed].join(', or ')}` }];
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function describeFound(value: unknown, quote: boolean): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (!quote) return withArticle(typeof value);
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

const unit = (origin: string): string =>
  origin === 'string' ? ' characters' : origin === 'array' ? ' items' : '';
const withArticle = (type: string): string =>
  type === 'null'
    ? 'null'
    : type === 'int'
      ? 'a whole number'
      : type === 'array'
        ? 'a list'
        : `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;

/** Names of the fields that an object at this path may have; empty where any may stand. */
function fieldsAt(schema: Schema, path: Path): string[] {
  const objects = schemasAt(schema, path)
    .map(shapeOf)
    .filter((shape) => shape !== undefined);
  return [...new Set(objects.flatMap((shape) => Object.keys(shape)))];
}

function schemasAt(schema: Schema, path: Path): Schema[] {
  let candidates: Schema[] = unwrap(schema);
  for (const part of path) candidates = candidates.flatMap((each) => step(each, part)).flatMap(unwrap);
  return candidates;
}

type Definition = {
  readonly type: string;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly options?: readonly Schema[];
  readonly left?: Schema;
  readonly right?: Schema;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly element?: Schema;
  readonly valueType?: Schema;
  readonly checks?: readonly { readonly _zod: { readonly def: CheckDefinition } }[];
  readonly error?: z.core.$ZodErrorMap;
};
type CheckDefinition = { readonly format?: string; readonly error?: z.core.$ZodErrorMap };
const definitionOf = (schema: Schema): Definition => schema._zod.def as unknown as Definition;
const shapeOf = (schema: Schema) => definitionOf(schema).shape;

/** The schemas that a value is really held against: wrappers (optional, default, pipe, union) taken off. */
function unwrap(schema: Schema): Schema[] {
  const { innerType, in: input, options, left, right } = definitionOf(schema);
  const inner = [innerType, input, ...(options ?? []), left, right].filter((each) => each !== undefined);
  return inner.length === 0 ? [schema] : inner.flatMap(unwrap);
}

function step(schema: Schema, part: PropertyKey): Schema[] {
  const { shape, element, valueType } = definitionOf(schema);
  if (shape !== undefined) {
    const field = Object.hasOwn(shape, String(part)) ? shape[String(part)] : undefined;
    return field === undefined ? [] : [field];
  }
  const next = element ?? valueType;
  return next === undefined ? [] : [next];
}
