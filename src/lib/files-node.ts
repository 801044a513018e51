import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Files } from './files.ts';

/** The file system of this machine. Errors keep Node's `code`. */
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
        const handle = await open(temporary, 'wx', options?.mode ?? 0o600);
        try {
          // The mode of `open` is cut by the umask; a key must have exactly the one that was asked for.
          if (options?.mode !== undefined) await handle.chmod(options.mode);
          await handle.writeFile(data);
          await handle.sync();
        } finally {
          await handle.close();
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
  const handle = await open(path, 'a', 0o600);
  try {
    const { size } = await handle.stat();
    try {
      await handle.appendFile(data);
      await handle.datasync();
    } catch (error) {
      // Half a record would be joined to the next one, when there is room again.
      await handle.truncate(size);
      throw error;
    }
    if (size === 0) await syncDirectory(dirname(path));
  } finally {
    await handle.close();
  }
}

/** A rename is durable only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;
