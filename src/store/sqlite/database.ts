import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, SlipwayError } from '../../lib/errors.ts';
import { syncDirectory } from '../sync-directory.ts';

/** "Slpw" in the file's header, so that another program's database is never taken for ours. */
export const APPLICATION_ID = 0x536c7077;

export interface OpenDatabaseOptions {
  readonly file: string;
  /** For the power-cut test alone: commits without any sync, which loses acknowledged writes. */
  readonly unsafeNoSync?: boolean;
}

/**
 * Opens the database for one process alone and asserts what durability rests on:
 *
 * - `locking_mode=EXCLUSIVE` before anything else, so that the lock is held as long as the connection lives
 *   (and ends with the process, however it ends), and the index of the WAL is in memory, not in a shared file.
 * - `journal_mode=WAL` and `synchronous=FULL`: each commit syncs the WAL before it returns. Both are read
 *   back, since SQLite ignores a pragma that it cannot follow.
 *
 * The file and its directory are for the owner only (0600, 0700).
 */
export function openDatabase(options: OpenDatabaseOptions): DatabaseSync {
  const file = resolve(options.file);
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    makeFile(file);
    db = new DatabaseSync(file, { timeout: 0 });
    db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON');
    requireOurs(db, file);
    requirePragma(db, 'journal_mode', 'wal', 'WAL');
    const synchronous = options.unsafeNoSync === true ? 0 : 2;
    db.exec(`PRAGMA synchronous=${synchronous}; PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON`);
    requirePragma(db, 'synchronous', synchronous);
    // A WAL that a burst made long is cut back at the next checkpoint.
    db.exec('PRAGMA journal_size_limit=16777216');
    db.exec('BEGIN EXCLUSIVE; COMMIT');
    return db;
  } catch (error) {
    db?.close();
    throw storageError(error, file, 'opened');
  }
}

/**
 * An empty file for the owner alone. One that exists is not touched: closing any descriptor of it would drop
 * the lock of a connection that this process has (POSIX advisory locks, fcntl(2)).
 */
function makeFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
    syncDirectory(dirname(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function requireOurs(db: DatabaseSync, file: string): void {
  const id = Number(Object.values(db.prepare('PRAGMA application_id').get() ?? {})[0]);
  const tables = Number(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n);
  if (id === APPLICATION_ID) return;
  if (id !== 0 || tables > 0) {
    throw new SlipwayError('refused', `${file} is a database of another program`, {
      next: 'name the data directory of a Slipway installation',
    });
  }
}

function requirePragma(db: DatabaseSync, name: string, expected: string | number, set?: string): void {
  const sql = set === undefined ? `PRAGMA ${name}` : `PRAGMA ${name}=${set}`;
  const found = Object.values(db.prepare(sql).get() ?? {})[0];
  if (found === expected) return;
  throw new SlipwayError(
    'unavailable',
    `this file system does not let SQLite use ${name}=${expected} (it answers ${String(found)}), without which writes are not durable`,
    { next: 'put the data directory on a local disk' },
  );
}

/** SQLite's primary result codes (sqlite.org/rescode.html) that have words of their own here. */
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** Whether the error is SQLite saying that another connection holds the lock. */
export const isLocked = (error: unknown): boolean => primaryCode(error) === BUSY;

function primaryCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** Any error of the storage in words; `doing` as in "could not be opened". Our own errors pass through. */
export function storageError(error: unknown, file: string, doing: string): SlipwayError {
  if (error instanceof SlipwayError) return error;
  const make = (why: string, next: string) =>
    new SlipwayError('unavailable', `the store ${file} could not be ${doing}: ${why}`, {
      next,
      cause: error,
    });
  const code = (error as { code?: unknown } | null)?.code;
  const space = 'free space on that disk; the store tries again by itself';
  const restore = 'run `slipway restore` with the latest backup';
  if (code === 'ENOSPC' || code === 'EDQUOT') return make('the disk is full', space);
  if (code === 'EACCES' || code === 'EPERM') return make('permission denied', `check the owner of ${file}`);
  switch (primaryCode(error)) {
    case BUSY:
      return new SlipwayError('refused', `the store ${file} is in use by another process`, {
        next: 'one data directory serves one `slipway up`: see `slipway status`',
        cause: error,
      });
    case FULL:
      return make('the disk is full', space);
    case IOERR:
      return make(`the disk reported an error (${messageOf(error)})`, 'check the disk and the kernel log');
    case CORRUPT:
    case NOTADB:
      return make(`the file is damaged (${messageOf(error)})`, restore);
    case READONLY:
    case CANTOPEN:
      return make(messageOf(error), `check that ${file} and its directory are writable`);
    default:
      return make(messageOf(error), 'see the log of the manager');
  }
}
