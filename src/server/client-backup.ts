import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { messageOf, SlipwayError } from '../lib/errors.ts';

/**
 * Writes a backup that is streamed to a file of its own, durable when it resolves. `ask` is called once the
 * file could be made; whatever goes wrong after that, no half of a backup stays behind.
 */
export async function saveBackup(
  file: string,
  ask: () => Promise<{ readonly content: Readable; readonly size: number }>,
): Promise<{ bytes: number }> {
  const target = await openNew(file);
  try {
    const { content, size } = await ask();
    const bytes = await copyTo(target, content);
    if (bytes !== size) throw new SlipwayError('unavailable', `the backup broke off after ${bytes} bytes`);
    return { bytes };
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await target.close();
  }
}

/** A new file for its owner alone; one that is there already is never replaced. */
async function openNew(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new SlipwayError('alreadyExists', `${file} exists already`, {
        next: 'choose another name',
        cause,
      });
    }
    throw new SlipwayError('refused', `${file} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

async function copyTo(target: FileHandle, content: Readable): Promise<number> {
  let bytes = 0;
  try {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      await target.appendFile(chunk);
      bytes += chunk.length;
    }
    await target.sync();
  } catch (cause) {
    throw new SlipwayError('unavailable', `the backup broke off after ${bytes} bytes: ${messageOf(cause)}`, {
      cause,
    });
  }
  return bytes;
}
