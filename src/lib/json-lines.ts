import type { IncomingMessage } from 'node:http';
import { isSlipwayError, SlipwayError } from './errors.ts';

/** JSON lines of an answer; a line that is cut short ends them with `unavailable`. */
export async function* jsonLines(response: IncomingMessage): AsyncGenerator<unknown, void, undefined> {
  const broken = (cause?: unknown) => new SlipwayError('unavailable', 'the stream broke off', { cause });
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line) as unknown;
    }
  } catch (cause) {
    throw isSlipwayError(cause) ? cause : broken(cause);
  } finally {
    response.destroy();
  }
  if (rest !== '') throw broken();
}
