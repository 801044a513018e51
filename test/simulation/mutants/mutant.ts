/**
 * A deliberate bug: one place of the sources read otherwise, in a process of its own that is started for it.
 * Production code knows nothing of it. The text must occur exactly once, so that a mutant whose place has
 * changed says so instead of testing nothing.
 */
export interface Mutant {
  readonly name: string;
  /** What it is in the words of those whom it hurt, with the row of peers.md or the invariant. */
  readonly bug: string;
  /** Below src/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Names the mutant that a process is to run with. */
export const MUTANT_VARIABLE = 'SLIPWAY_MUTANT';

/** The text of a file with the bug in it. */
export function mutate(mutant: Mutant, text: string): string {
  const parts = text.split(mutant.find);
  if (parts.length !== 2)
    throw new Error(
      `mutant ${mutant.name}: its text occurs ${parts.length - 1} times in src/${mutant.file}, not once`,
    );
  return parts.join(mutant.replace);
}
