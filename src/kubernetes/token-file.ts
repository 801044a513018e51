import type { Clock } from '../lib/clock.ts';
import { messageOf, SlipwayError } from '../lib/errors.ts';
import type { IdentitySource } from './credentials.ts';

/**
 * How long a token is used before its file is read again, ms. The kubelet renews a bound token at 80 % of its life,
 * an hour at least, and client-go reads it each minute too (client-go transport/token_source.go).
 */
const READ_AGAIN_MS = 60_000;

/**
 * A bearer token in a file that somebody else renews.
 *
 * @param fallback the token until the file could be read for the first time
 */
export function tokenFile(
  path: string,
  { clock, readFile }: { clock: Clock; readFile: (path: string) => Promise<string> },
  fallback?: string,
): IdentitySource {
  let known: { token: string; readAt: number } | undefined =
    fallback === undefined ? undefined : { token: fallback, readAt: Number.NEGATIVE_INFINITY };
  return {
    async current() {
      if (known !== undefined && clock.monotonic() - known.readAt < READ_AGAIN_MS)
        return { token: known.token };
      try {
        const token = (await readFile(path)).trim();
        if (token === '') throw new Error('it is empty');
        known = { token, readAt: clock.monotonic() };
      } catch (cause) {
        // One that is being replaced may be away for a moment: the one before is still good for a while.
        if (known !== undefined) return { token: known.token };
        throw new SlipwayError('unauthorized', `the token in ${path} cannot be read: ${messageOf(cause)}`, {
          cause,
        });
      }
      return { token: known.token };
    },
    refused() {
      if (known !== undefined) known = { ...known, readAt: Number.NEGATIVE_INFINITY };
    },
  };
}
