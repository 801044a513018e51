import type { ErrorDetail } from '../lib/errors.ts';

/**
 * Checks of JSON values by hand. The router's process is kept small (a table is all that it reads), so
 * the schema library of the API stays out of it.
 */
export type FieldCheck = (value: unknown, path: string) => readonly ErrorDetail[];

const NONE: readonly ErrorDetail[] = [];

const wrong = (path: string, wanted: string, found: unknown): readonly ErrorDetail[] => [
  {
    path: path === '' ? '(table)' : path,
    message: `must be ${wanted}; found ${shown(found)}`,
  },
];

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}

export function text(pattern: RegExp, what: string): FieldCheck {
  return (value, path) =>
    typeof value === 'string' && pattern.test(value) ? NONE : wrong(path, what, value);
}

export function whole(min: number, max: number): FieldCheck {
  return (value, path) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? NONE
      : wrong(path, `a whole number from ${min} to ${max}`, value);
}

export function oneOf(allowed: readonly string[]): FieldCheck {
  return (value, path) =>
    typeof value === 'string' && allowed.includes(value)
      ? NONE
      : wrong(path, `one of ${allowed.join(', ')}`, value);
}

export function nullOr(check: FieldCheck): FieldCheck {
  return (value, path) => (value === null ? NONE : check(value, path));
}

export function listOf(check: FieldCheck): FieldCheck {
  return (value, path) =>
    Array.isArray(value)
      ? value.flatMap((item, i) => check(item, `${path}[${i}]`))
      : wrong(path, 'a list', value);
}

/** Every field must be there, and no other. */
export function objectOf(fields: Readonly<Record<string, FieldCheck>>): FieldCheck {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return wrong(path, 'an object', value);
    const object = value as Readonly<Record<string, unknown>>;
    const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
    const unknown = Object.keys(object)
      .filter((name) => !Object.hasOwn(fields, name))
      .map((name) => ({
        path: at(name),
        message: 'is not a field that is known here',
      }));
    return [...unknown, ...Object.entries(fields).flatMap(([name, check]) => check(object[name], at(name)))];
  };
}

export function union(tag: string, members: Readonly<Record<string, FieldCheck>>): FieldCheck {
  return (value, path) => {
    const kind =
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[tag] : undefined;
    const member = typeof kind === 'string' && Object.hasOwn(members, kind) ? members[kind] : undefined;
    return (
      member?.(value, path) ?? wrong(`${path}.${tag}`, `one of ${Object.keys(members).join(', ')}`, kind)
    );
  };
}
