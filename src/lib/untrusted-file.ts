import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * Reads a small file that another user may have put there. No link is followed, and what is no plain file
 * (a pipe would block whoever reads it for ever) or too long is an error. Errors keep Node's `code`.
 */
export async function readUntrusted(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error(`${path} is no plain file`);
    if (stat.size > maxBytes) throw new Error(`${path} has ${stat.size} bytes, more than ${maxBytes}`);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(maxBytes), position: 0 });
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await file.close();
  }
}
