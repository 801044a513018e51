import type { SecretUse } from '../../server/secret-uses.ts';
import { list } from '../text/words.ts';

/** `  shop in local and staging (api-key)`: whom a change of a secret concerns, one application a line. */
export function useLines(uses: readonly SecretUse[]): string[] {
  const byApplication = Map.groupBy(uses, ({ application }) => application);
  return [...byApplication].map(([application, own]) => {
    const keys = [...new Set(own.flatMap((use) => use.keys))];
    return `  ${application} in ${list(own.map(({ environment }) => environment))} (${keys.join(', ')})`;
  });
}

/** Uses of one key alone; of every key where none is named. */
export const usesOf = (uses: readonly SecretUse[], key: string | undefined): SecretUse[] =>
  uses.flatMap((use) => {
    const only = (keys: readonly string[]) => keys.filter((each) => key === undefined || each === key);
    const keys = only(use.keys);
    return keys.length === 0 ? [] : [{ ...use, keys, automatic: only(use.automatic) }];
  });
