import { SlipwayError } from '../../lib/errors.ts';

/** What no object may be called: a path, or a name that ends as files of objects do. */
const FILE = /\/|\.(ya?ml|json)$/i;

/** A file where a name belongs, as in `slipway apply app.yaml`: refused with the option that takes files. */
export function refuseFiles(verb: string, ...words: readonly (string | undefined)[]): void {
  const files = words.filter((word) => word !== undefined && FILE.test(word));
  if (files.length === 0) return;
  throw new SlipwayError('badRequest', `${files.join(' ')}: files are named by -f.`, {
    next: `slipway ${verb} ${files.map((one) => `-f ${one}`).join(' ')}`,
  });
}

/** For commands that take files alone: any other word is in the way. */
export function refuseWords(verb: string, words: readonly string[]): void {
  refuseFiles(verb, ...words);
  if (words.length === 0) return;
  throw new SlipwayError('badRequest', `${verb} takes files alone; "${words.join(' ')}" is none.`, {
    next: `slipway ${verb} -f app.yaml`,
  });
}
