import { SlipwayError } from '../lib/errors.ts';
import { nearest } from './nearest.ts';
import { list } from './text/words.ts';

/**
 * The one name that is meant: the exact one, or the only one that begins like this. More than one, or none, is
 * refused with what there is.
 */
export function resolveName(word: string, names: readonly string[], what: string): string {
  if (names.includes(word)) return word;
  const matches = names.filter((name) => name.startsWith(word));
  const [first, second] = matches;
  if (first !== undefined && second === undefined) return first;
  if (second !== undefined) {
    throw new SlipwayError(
      'badRequest',
      `${what} "${word}" is not unique: ${list(matches.slice(0, 8), 'or')}.`,
      {
        next: 'Write more of the name.',
      },
    );
  }
  const guess = probably(word, names);
  throw new SlipwayError('notFound', `There is no ${what} "${word}".`, {
    next:
      guess !== undefined
        ? `Did you mean ${guess}?`
        : names.length === 0
          ? `There is none at all in this namespace.`
          : `There is ${list(names.slice(0, 8))}${names.length > 8 ? ` and ${names.length - 8} more` : ''}.`,
  });
}

/** The name that was probably meant: a slip of the keys, or `shop-r3` for `shop-local-r3`. */
export function probably(word: string, names: readonly string[]): string | undefined {
  const parts = /^(.+-)(r\d+(?:-\d+)?)$/.exec(word);
  const [, application, revision] = parts ?? [];
  return (
    nearest(word, names) ??
    (application === undefined
      ? undefined
      : names.find((name) => name.startsWith(application) && name.endsWith(`-${revision}`)))
  );
}
