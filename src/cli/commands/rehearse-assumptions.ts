import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { SlipwayError } from '../../lib/errors.ts';
import { findProblems } from '../../lib/validation.ts';
import type { Told } from '../../simulator/rehearsal/assumptions.ts';
import type { Context } from '../context.ts';

const MOST_BYTES = 256 * 1_024;

/** What a file tells of an application, with what was said on the command line over it. */
export async function readAssumptions(
  { io }: Context,
  file: string | undefined,
  given: Readonly<Record<string, unknown>>,
): Promise<Told> {
  const { Told: schema } = await import('../../simulator/rehearsal/assumptions.ts');
  const written = file === undefined ? {} : await parseFile(resolve(io.directory, file), file);
  const problems = findProblems(schema, written);
  if (problems.length > 0)
    throw new SlipwayError('invalid', `${file} is no file of assumptions.`, {
      details: [...problems],
      next: `Allowed: ${Object.keys(schema.shape).join(', ')}.`,
    });
  return schema.parse({ ...written, ...given });
}

async function parseFile(path: string, shown: string): Promise<object> {
  const { parse } = await import('yaml');
  let text: string;
  try {
    if (statSync(path).size > MOST_BYTES)
      throw new SlipwayError('tooLarge', `${shown} is larger than ${MOST_BYTES} bytes.`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new SlipwayError('badRequest', `${shown} does not exist (${path}).`, {
      next: 'A file such as: longestRequest: 45s',
    });
  }
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 50 });
  } catch (cause) {
    throw new SlipwayError('invalid', `${shown} is no YAML: ${(cause as Error).message.split('\n')[0]}`, {
      cause,
    });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new SlipwayError('invalid', `${shown} is no file of assumptions.`, {
    next: 'A file such as: longestRequest: 45s',
  });
}
