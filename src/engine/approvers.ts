/** Each has the rights of those before it, as the server's table has it (src/server/authorize.ts). */
const PEOPLE = ['viewer', 'developer', 'releaser', 'admin'];

export interface Approver {
  /** Name of the caller, as the server knows it. */
  readonly by: string;
  /** Its roles; absent where an older program stored the command: it then counts by name alone. */
  readonly roles?: readonly string[] | undefined;
}

/**
 * Why this person may not answer an approval; null where they may. `asked` is the `by` of an approval: a role or a
 * name, or several with commas between. A word that is a role never means a person who happens to be called so.
 */
export function whyNotApprover(asked: string, { by, roles = [] }: Approver): string | null {
  if (roles.includes('admin') || wordsOf(asked).some((word) => matches(word, by, roles))) return null;
  return `${by} (${roles.join(', ') || 'no role'}) may not answer this approval: it is for ${approversInWords(asked)}`;
}

/** `dana or anyone with role releaser`. */
export const approversInWords = (asked: string): string =>
  wordsOf(asked)
    .map((word) => (isRole(word) ? `anyone with role ${word}` : word))
    .join(' or ');

const isRole = (word: string): boolean => PEOPLE.includes(word);
const wordsOf = (asked: string): string[] =>
  asked
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

const matches = (word: string, by: string, roles: readonly string[]): boolean =>
  isRole(word) ? roles.some((role) => PEOPLE.indexOf(role) >= PEOPLE.indexOf(word)) : word === by;
