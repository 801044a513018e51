import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { SlipwayError } from '../../lib/errors.ts';
import type { Context } from '../context.ts';
import { readStdin } from '../io.ts';

/** A secret value may have so many bytes; all of an object must fit a store's limit. */
const MOST_BYTES = 256 * 1_024;

export interface ValueSource {
  readonly fromFile?: string;
  readonly fromLiteral?: string;
}

/** A value from where people keep them; never from the command line unless they insist. */
export async function readValue(context: Context, options: ValueSource, what: string): Promise<string> {
  if (options.fromLiteral !== undefined) {
    context.note(
      `${context.paint.warn('!')} The value stood on the command line, where ps and the shell history keep it.`,
    );
    return options.fromLiteral;
  }
  if (options.fromFile !== undefined)
    return readFileSync(resolve(context.io.directory, options.fromFile), 'utf8');
  const value =
    context.io.stdin.isTTY === true ? await askValue(what) : await readStdin(context.io, MOST_BYTES + 1);
  if (value === '')
    throw new SlipwayError('badRequest', `The value of ${what} is empty; nothing was changed.`);
  if (Buffer.byteLength(value) > MOST_BYTES)
    throw new SlipwayError('tooLarge', `A secret value has at most ${MOST_BYTES} bytes.`);
  return value;
}

async function askValue(what: string): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts');
  const value = await password({ message: `Value of ${what}` });
  if (isCancel(value)) throw new SlipwayError('refused', 'Nothing was done.');
  return value ?? '';
}
