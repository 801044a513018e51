import type { DatabaseSync } from 'node:sqlite';
import { type Clock, instant } from '../../lib/clock.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { openDatabase, storageError } from './database.ts';
import { type Migration, migrate, writeMeta } from './migrations.ts';
import { Tables } from './tables.ts';

export interface GuardedDatabaseOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly programVersion: string;
  readonly migrations?: readonly Migration[];
  readonly unsafeNoSync?: boolean;
}

export interface OpenDatabase {
  readonly db: DatabaseSync;
  readonly tables: Tables;
}

/** Between two tries to write again after the disk failed, ms. */
const RETRY_MS = 1_000;

/**
 * A database on a disk that may fail, and the disk's state as far as it is known:
 *
 *     writable ──a commit fails──► failed ──reopened and verified──► writable
 *                                   │  ▲
 *                                   └──┘ verification fails (tried at most once a second)
 *
 * After a failed sync the kernel may have dropped the pages and call them clean, so nothing that is cached is
 * trusted: the database is closed and opened again, its WAL is copied into the file and emptied, the file is
 * checked, and a probe is committed before the next write is taken. Whenever it is opened the WAL is emptied
 * first, for the process before this one may have died of the disk: commits that are appended behind frames
 * which never reached it are lost with them in a power cut. Reads go on meanwhile wherever they can.
 */
export class GuardedDatabase {
  readonly #options: GuardedDatabaseOptions;
  /** Told of each opening before anything is read or written; may refuse it by throwing. */
  readonly #onOpen: (open: OpenDatabase) => void;
  #open: OpenDatabase | undefined;
  /** Why writes are refused, and when to try the next time (monotonic ms). */
  #failed: { readonly error: SlipwayError; readonly retryAt: number } | undefined;

  constructor(options: GuardedDatabaseOptions, onOpen: (open: OpenDatabase) => void) {
    this.#options = options;
    this.#onOpen = onOpen;
    this.#reopen();
  }

  /** Throws `unavailable` where it could not be opened again. */
  get opened(): OpenDatabase {
    if (this.#open !== undefined) return this.#open;
    throw this.#failed?.error ?? new SlipwayError('unavailable', `the store ${this.#options.file} is closed`);
  }

  get isFailed(): boolean {
    return this.#failed !== undefined;
  }

  /** One commit; throws `unavailable` where it fails, and then it may or may not have happened. */
  commit(write: (tables: Tables) => void): void {
    const { tables } = this.opened;
    try {
      tables.begin();
      write(tables);
      tables.commit();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Throws `unavailable` while the disk is not known to work. */
  requireWritable(): void {
    if (this.#failed === undefined) return;
    const { error, retryAt } = this.#failed;
    if (this.#options.clock.monotonic() < retryAt) throw refusal(error);
    try {
      if (this.#open === undefined) this.#reopen();
      this.#verify();
      this.#failed = undefined;
    } catch (cause) {
      throw refusal(this.#fail(cause));
    }
  }

  close(): void {
    const { db } = this.#open ?? {};
    this.#open = undefined;
    db?.close();
  }

  /** Closes the database at once and opens it again for reading; writes stay refused. */
  #fail(error: unknown): SlipwayError {
    const failure = this.#refuseWrites(error);
    try {
      this.close();
      this.#reopen();
    } catch (cause) {
      // Reads are refused too then; what went wrong first is what people need to hear.
      const both = new SlipwayError('unavailable', failure.message, { next: failure.next, cause });
      this.#failed = { error: both, retryAt: this.#options.clock.monotonic() + RETRY_MS };
    }
    return failure;
  }

  #refuseWrites(error: unknown): SlipwayError {
    const failure = storageError(error, this.#options.file, 'written');
    this.#failed = { error: failure, retryAt: this.#options.clock.monotonic() + RETRY_MS };
    return failure;
  }

  #reopen(): void {
    const { file, programVersion, migrations, unsafeNoSync = false } = this.#options;
    const db = openDatabase({ file, unsafeNoSync });
    try {
      if (this.#failed === undefined) this.#emptyWalOrWait(db);
      migrate(db, { file, programVersion, ...(migrations && { migrations }) });
      const open = { db, tables: new Tables(db) };
      this.#onOpen(open);
      this.#open = open;
    } catch (error) {
      db.close();
      throw storageError(error, file, 'opened');
    }
  }

  /** Where the disk does not let it, reads go on and writes wait for the verification. */
  #emptyWalOrWait(db: DatabaseSync): void {
    try {
      emptyWal(db);
    } catch (error) {
      this.#refuseWrites(error);
    }
  }

  #verify(): void {
    const { db } = this.opened;
    emptyWal(db);
    const check = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
    if (check !== 'ok') throw new Error(`the check of the database says: ${String(check)}`);
    db.exec('BEGIN IMMEDIATE');
    writeMeta(db, 'verified', instant(this.#options.clock.now()));
    db.exec('COMMIT');
  }
}

/** Copies the WAL into the file, syncs it, and cuts the WAL to nothing. */
function emptyWal(db: DatabaseSync): void {
  if (db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy !== 0) {
    throw new Error('the WAL could not be emptied');
  }
}

const refusal = (error: SlipwayError): SlipwayError =>
  new SlipwayError('unavailable', `no writes are taken since ${error.message}`, {
    next: error.next,
    cause: error,
  });
