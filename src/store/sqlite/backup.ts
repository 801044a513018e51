import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { Random } from '../../lib/random.ts';
import { syncDirectory } from '../sync-directory.ts';
import { storageError } from './database.ts';
import { Tables } from './tables.ts';

/** Pages copied at a time; writes go on in between and are part of the copy. */
const PAGES = 256;

/**
 * A consistent copy of a database that is in use, by SQLite's backup interface. The file is one whole
 * database without a WAL beside it, for its owner only, and appears under its name when it is durable. Secret
 * values in it are sealed; their key is not in it.
 */
export async function backupDatabase(
  db: DatabaseSync,
  file: string,
  random: Random,
): Promise<{ bytes: number; resourceVersion: string }> {
  const target = resolve(file);
  const partial = `${target}.partial-${random.suffix(6)}`;
  try {
    closeSync(openSync(partial, 'wx', 0o600));
    await backup(db, partial, { rate: PAGES });
    const resourceVersion = String(settle(partial));
    const handle = openSync(partial, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(partial, target);
    syncDirectory(dirname(target));
    return { bytes: statSync(target).size, resourceVersion };
  } catch (error) {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(partial + suffix, { force: true });
    throw storageError(error, target, 'written as a backup');
  }
}

/** Takes the copy out of WAL mode, checks it, and answers its head. */
function settle(file: string): number {
  const copy = new DatabaseSync(file);
  try {
    copy.exec('PRAGMA journal_mode=DELETE');
    const check = Object.values(copy.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
    if (check !== 'ok') throw new Error(`the check of the copy says: ${String(check)}`);
    return new Tables(copy).head();
  } finally {
    copy.close();
  }
}
