import { open } from 'node:fs/promises';
import { logExcerpt } from './log-excerpt.ts';

const TAIL_BYTES = 16_384;

/** What a log's end says about the end of its process, for messages; none where nothing was written. */
export async function tailExcerpt(file: string, count: number): Promise<string[]> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const start = Math.max(0, size - TAIL_BYTES);
      const { buffer, bytesRead } = await handle.read({
        buffer: Buffer.alloc(size - start),
        position: start,
      });
      return logExcerpt(buffer.subarray(0, bytesRead).toString('utf8').split('\n'), count);
    } finally {
      await handle.close();
    }
  } catch (error) {
    return [`(the log cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`];
  }
}
