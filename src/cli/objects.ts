import { findKindName, KIND_NAMES, type KindName } from '../api/kind-names.ts';
import type { ApiObject, Stored } from '../api/meta.ts';
import { isSlipwayError, SlipwayError } from '../lib/errors.ts';
import type { Connection } from './context.ts';
import { resolveName } from './names.ts';
import { nearest } from './nearest.ts';

/** The kind that a person means by a word; `badRequest` with the nearest when there is none. */
export function kindNamed(word: string): KindName & { readonly singular: string } {
  const found = findKindName(word);
  if (found !== undefined) return { ...found, singular: found.kind.toLowerCase() };
  const words = KIND_NAMES.flatMap((one) => [one.plural, one.kind.toLowerCase(), ...one.shortNames]);
  const guess = nearest(word, words);
  throw new SlipwayError('badRequest', `There is no kind "${word}".`, {
    next:
      guess === undefined
        ? `The kind comes first, as in "app ${word}". Kinds: ${KIND_NAMES.map((one) => one.plural).join(', ')}.`
        : `Did you mean ${guess}?`,
  });
}

/** `releases shop`, `release/shop-local-r2`: kind and the names after it. */
export function parseTarget(words: readonly string[]): {
  kind: ReturnType<typeof kindNamed>;
  names: string[];
} {
  const [first = '', ...rest] = words;
  const slash = first.indexOf('/');
  if (slash < 0) return { kind: kindNamed(first), names: [...rest] };
  const kind = kindNamed(first.slice(0, slash));
  const others = rest.map((word) =>
    word.startsWith(`${first.slice(0, slash)}/`) ? word.slice(slash + 1) : word,
  );
  return { kind, names: [first.slice(slash + 1), ...others] };
}

/** What may be named without its kind by mistake, as other verbs take it: `slipway delete shop`. */
const NAMED_ALONE = [
  { kind: 'Application', word: 'app', what: 'an application' },
  { kind: 'Release', word: 'release', what: 'a release' },
] as const;

/** As `parseTarget`; a name where the kind belongs is told from a kind that there is not. */
export async function targetMeant(
  { api, namespace }: Pick<Connection, 'api' | 'namespace'>,
  verb: string,
  words: readonly string[],
): Promise<ReturnType<typeof parseTarget>> {
  const [first = ''] = words;
  if (findKindName(first) === undefined && !first.includes('/')) {
    for (const { kind, word, what } of NAMED_ALONE) {
      // Where it cannot be looked for, it is no kind all the same.
      const found = await api.find<ApiObject>(kind, first, { namespace }).catch(() => undefined);
      if (found === undefined) continue;
      throw new SlipwayError('badRequest', `${first} is ${what}, and ${verb} takes the kind first.`, {
        next: `slipway ${verb} ${word} ${words.join(' ')}`,
      });
    }
  }
  return parseTarget(words);
}

/** The object of this name, or the only one whose name begins so. `notFound` with the nearest otherwise. */
export async function findObject<T extends ApiObject>(
  connection: Connection,
  kind: string,
  word: string,
): Promise<Stored<T>> {
  const { api, namespace } = connection;
  const { singular } = kindNamed(kind);
  try {
    return await api.get<T>(kind, word, { namespace });
  } catch (error) {
    if (!isSlipwayError(error, 'notFound') && !isSlipwayError(error, 'badRequest')) throw error;
  }
  const { items } = await api.list<T>(kind, { namespace });
  const name = resolveName(
    word,
    items.map((item) => item.metadata.name),
    singular,
  );
  const found = items.find((item) => item.metadata.name === name);
  if (found === undefined) throw new SlipwayError('notFound', `There is no ${singular} "${word}".`);
  return found;
}
