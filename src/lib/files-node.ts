import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  open,
  openSync,
  writeFileSync,
} from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Files } from './files.ts';

const [openFile, syncAll, syncData] = [promisify(open), promisify(fsync), promisify(fdatasync)];

/**
 * The file system of this machine. Errors keep Node's `code`.
 *
 * A durable write does what may wait for the disk (a new name, a sync) in the thread pool, so that it does not
 * hold up the process. What only changes the kernel's memory (write, close) is done at once: by the thread pool
 * it would take longer than it works, and a release makes dozens of such writes one after another.
 */
export function nodeFiles(): Files {
  const appending = new Map<string, Promise<void>>();
  return {
    async read(path) {
      try {
        return await readFile(path);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
    async writeAtomic(path, data, options) {
      const directory = dirname(path);
      const temporary = join(
        directory,
        `.${basename(path)}.${process.pid}-${randomBytes(6).toString('hex')}`,
      );
      try {
        const file = await openFile(temporary, 'wx', options?.mode ?? 0o600);
        try {
          // The mode of `open` is cut by the umask; a key must have exactly the one that was asked for.
          if (options?.mode !== undefined) fchmodSync(file, options.mode);
          writeFileSync(file, data);
          await syncAll(file);
        } finally {
          closeSync(file);
        }
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncDirectory(directory);
    },
    append(path, data) {
      // One after the other: an append that is taken back must not take another with it.
      const done = (appending.get(path) ?? Promise.resolve()).then(() => append(path, data));
      const settled = done.catch(() => undefined);
      appending.set(path, settled);
      void settled.then(() => {
        if (appending.get(path) === settled) appending.delete(path);
      });
      return done;
    },
    async remove(path) {
      await rm(path, { recursive: true, force: true });
    },
    async list(directory) {
      try {
        return await readdir(directory);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return [];
        throw error;
      }
    },
    async makeDirectory(path, options) {
      await mkdir(path, { recursive: true, ...(options?.mode === undefined ? {} : { mode: options.mode }) });
      if (options?.mode !== undefined) await chmod(path, options.mode);
    },
  };
}

async function append(path: string, data: string): Promise<void> {
  const file = await openFile(path, 'a', 0o600);
  try {
    const { size } = fstatSync(file);
    try {
      writeFileSync(file, data);
      await syncData(file);
    } catch (error) {
      // Half a record would be joined to the next one, when there is room again.
      ftruncateSync(file, size);
      throw error;
    }
    if (size === 0) await syncDirectory(dirname(path));
  } finally {
    closeSync(file);
  }
}

/** A rename is durable only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = openSync(path, 'r');
  try {
    await syncAll(directory);
  } finally {
    closeSync(directory);
  }
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;
