import { closeSync, constants, openSync, type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { SlipwayError } from '../../lib/errors.ts';

/**
 * The text of a file that people wrote, `maxBytes` + 1 of it at the most. Regular files and pipes (`<(…)`) alone:
 * a device may never end, and reading it could not be called off.
 */
export async function readText(full: string, maxBytes: number): Promise<string> {
  const stats = statSync(full);
  if (stats.isFIFO()) return await readPipe(full, maxBytes);
  if (!stats.isFile()) {
    throw new SlipwayError('badRequest', `${full} is ${kindOf(stats)} and no file.`, {
      next: `Name a file, or pipe its text: … | slipway apply -f -`,
    });
  }
  // Looked at before it is read: a file of gigabytes must not fill the memory first.
  if (stats.size > maxBytes) {
    throw new SlipwayError(
      'tooLarge',
      `${full} has ${stats.size} bytes; application files have at most ${maxBytes}.`,
    );
  }
  return await readFile(full, 'utf8');
}

/** Opened without waiting for a writer: that wait would hold a thread, and neither SIGTERM nor Ctrl-C could end it. */
async function readPipe(full: string, maxBytes: number): Promise<string> {
  const descriptor = openSync(full, constants.O_RDONLY | constants.O_NONBLOCK);
  let pipe: Socket;
  try {
    pipe = new Socket({ fd: descriptor, readable: true, writable: false });
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of pipe as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new SlipwayError(
        'tooLarge',
        `${full} gives more than ${maxBytes} bytes, which is the most that application files have.`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const kindOf = (stats: Stats): string =>
  stats.isCharacterDevice() || stats.isBlockDevice()
    ? 'a device'
    : stats.isSocket()
      ? 'a socket'
      : 'something else';
