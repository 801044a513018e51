/** Colours by meaning. They never stand alone: each goes with a sign or a word. */
export interface Paint {
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
  dim(text: string): string;
  strong(text: string): string;
}

const wrap = (code: number) => (text: string) => (text === '' ? '' : `\x1b[${code}m${text}\x1b[0m`);
const same = (text: string): string => text;

export const PLAIN: Paint = { good: same, warn: same, bad: same, dim: same, strong: same };
export const COLOURED: Paint = {
  good: wrap(32),
  warn: wrap(33),
  bad: wrap(31),
  dim: wrap(2),
  strong: wrap(1),
};

/**
 * Whether to colour: `--no-color` and NO_COLOR (no-color.org: any value that is not empty) say no, FORCE_COLOR
 * says yes, otherwise a terminal that is not `dumb` does.
 */
export function wantsColour(
  options: { readonly color: boolean },
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if (!options.color || (environment.NO_COLOR ?? '') !== '') return false;
  if ((environment.FORCE_COLOR ?? '') !== '' && environment.FORCE_COLOR !== '0') return true;
  return isTerminal && environment.TERM !== 'dumb';
}
