import type * as z from 'zod';
import type { ErrorDetail } from '../../lib/errors.ts';

/** Zod's issues as details: where, what was found, what is allowed. */
export function zodDetails(error: z.ZodError, root: string, input: unknown): ErrorDetail[] {
  return error.issues.flatMap((issue) => details(issue, root, input));
}

function details(issue: z.core.$ZodIssue, root: string, input: unknown): ErrorDetail[] {
  const path = pathOf(root, issue.path);
  const found = foundAt(input, issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: `${path}.${key}`,
        message: `unknown field ${JSON.stringify(key)}`,
      }));
    case 'invalid_type':
      return [
        {
          path,
          message:
            found === 'nothing'
              ? `is required: ${article(issue.expected)}`
              : `found ${found}, wanted ${article(issue.expected)}`,
        },
      ];
    case 'invalid_value':
      return [{ path, message: `found ${found}, allowed: ${issue.values.map(String).join(', ')}` }];
    case 'too_small':
      return [{ path, message: `found ${found}, allowed: at least ${issue.minimum}` }];
    case 'too_big':
      return [{ path, message: `found ${found}, allowed: at most ${issue.maximum}` }];
    case 'invalid_union': {
      const messages = [
        ...new Set(
          issue.errors.flatMap((branch) =>
            branch.map((each) => (each.code === 'invalid_type' ? article(each.expected) : each.message)),
          ),
        ),
      ];
      return [{ path, message: `found ${found}, allowed: ${messages.join(' or ')}` }];
    }
    case 'invalid_key':
      return [{ path, message: `the name is not allowed: ${issue.issues[0]?.message ?? issue.message}` }];
    case 'custom':
      return [{ path, message: issue.message }];
    default:
      return [{ path, message: `found ${found}, allowed: ${issue.message}` }];
  }
}

export const pathOf = (root: string, path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    root,
  );

function foundAt(input: unknown, path: readonly PropertyKey[]): string {
  let at = input;
  for (const part of path) {
    if (at === null || typeof at !== 'object') return 'nothing';
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  if (at === undefined) return 'nothing';
  const text = JSON.stringify(at) ?? String(at);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

const article = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`);
