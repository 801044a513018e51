import { SlipwayError } from '../lib/errors.ts';
import type { Context } from './context.ts';

/**
 * Before a dangerous verb: says what will happen and to whom, and asks once on a terminal. Scripts say `--yes`
 * beforehand; without it and without a terminal it is refused.
 */
export async function confirm(context: Context, what: readonly string[]): Promise<void> {
  if (context.options.yes === true) return;
  context.note(...what);
  if (context.io.stdin.isTTY !== true || context.io.stderr.isTTY !== true) {
    throw new SlipwayError('refused', 'This was not confirmed, so nothing was done.', {
      next: 'Run it again with --yes if that is what you want.',
    });
  }
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({
    input: context.io.stdin as NodeJS.ReadableStream,
    output: context.io.stderr as NodeJS.WritableStream,
  });
  // Ctrl-C and the end of the input are answers too: no.
  const gone = new AbortController();
  lines.once('SIGINT', () => gone.abort()).once('close', () => gone.abort());
  try {
    const answer = await lines.question('Go on? [y/N] ', { signal: gone.signal });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    lines.close();
  }
  throw new SlipwayError('refused', 'Nothing was done.');
}
