import type { IncomingMessage } from 'node:http';
import { SlipwayError } from './errors.ts';

export const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** `?a=1&b=2` of what is defined; empty where nothing is. */
export function queryText(query: Readonly<Record<string, string | undefined>> | undefined): string {
  const given = Object.entries(query ?? {}).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

/**
 * The whole body of an answer. Rejects with `tooLarge`, or with `unavailable` where it breaks off.
 *
 * @param next what to run when it breaks off
 */
export async function answerBytes(response: IncomingMessage, next?: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES)
        throw new SlipwayError('tooLarge', 'the answer is too large: ask for pages');
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof SlipwayError) throw cause;
    throw new SlipwayError('unavailable', 'the answer broke off', { next, cause });
  }
  return Buffer.concat(chunks);
}

/**
 * JSON of a body; undefined where it is empty.
 *
 * @param doubt what may be wrong where it is none, as a question
 */
export function parseAnswer(bytes: Buffer, doubt: string): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch (cause) {
    throw new SlipwayError('internal', `the answer is not JSON: ${doubt}`, { cause });
  }
}
