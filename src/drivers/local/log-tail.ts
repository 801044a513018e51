import { open } from 'node:fs/promises';

const TAIL_BYTES = 16_384;
/** A line in a message is for people; the log has all of it. */
const LINE_LENGTH = 400;

/** The last lines of a log, for messages; none where it cannot be read. */
export async function tailLines(file: string, count: number): Promise<string[]> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const start = Math.max(0, size - TAIL_BYTES);
      const { buffer, bytesRead } = await handle.read({
        buffer: Buffer.alloc(size - start),
        position: start,
      });
      const lines = buffer.subarray(0, bytesRead).toString('utf8').split('\n');
      return lines
        .filter((line) => line.trim() !== '')
        .slice(-count)
        .map((line) => line.slice(0, LINE_LENGTH));
    } finally {
      await handle.close();
    }
  } catch (error) {
    return [`(the log cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`];
  }
}
