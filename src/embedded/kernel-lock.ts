import { DatabaseSync } from 'node:sqlite';

/**
 * A lock on a file that the kernel gives back when its holder ends, however it ends: no stale lock, no
 * take-over, no race between two that see one. Node has no flock of its own, but SQLite locks its (empty)
 * database file with fcntl. Closing it, or the end of the process, releases it.
 */
export interface KernelLock extends Disposable {
  readonly file: string;
}

/** Undefined when another process holds it. Throws when the file cannot be opened or made. */
export function tryLock(file: string): KernelLock | undefined {
  const database = new DatabaseSync(file);
  try {
    database.exec(
      'PRAGMA journal_mode = MEMORY; PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE',
    );
  } catch (error) {
    database.close();
    // SQLITE_BUSY, with its extended codes in the higher bits.
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === 5) return undefined;
    throw error;
  }
  return { file, [Symbol.dispose]: () => database.close() };
}
