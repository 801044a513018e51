import { resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { ApiObject, Stored } from '../../api/meta.ts';
import { type Clock, instant } from '../../lib/clock.ts';
import { type Result, SlipwayError } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { type ChangeLog, parseVersion, Wakeup, watchLog } from '../change-log.ts';
import { keyOf, type Mutation, mutate, type Outcome, serialise } from '../mutation.ts';
import type { ListOptions, MaintainableStore, ObjectKey } from '../store.ts';
import { backupDatabase } from './backup.ts';
import { isLocked, openDatabase, storageError } from './database.ts';
import { GroupCommit, type Pending } from './group-commit.ts';
import { type Migration, migrate, writeMeta } from './migrations.ts';
import { Tables } from './tables.ts';

export interface SqliteStoreOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly random: Random;
  /** This program's version, against the database's `minReader`. */
  readonly programVersion: string;
  /** What is kept for watches to resume from; whichever is reached first. */
  readonly history?: { readonly maxChanges?: number; readonly maxAgeMs?: number };
  /** How long to wait for the lock of a process that is just ending. Default 2,000. */
  readonly lockTimeoutMs?: number;
  /** For tests of migrations. */
  readonly migrations?: readonly Migration[];
  /** For the power-cut test alone: see OpenDatabaseOptions. */
  readonly unsafeNoSync?: boolean;
}

type Write = Pending<Mutation, Stored | undefined>;
/** What one write of a batch comes to, before the batch is durable. */
type Decided = Result<Outcome, Error>;

/** Between two tries to write again after the disk failed, ms. */
const RETRY_MS = 1_000;
const AGE_CHECK_MS = 60_000;
/** Changes that one commit forgets at the most, so that compaction never holds up a write for long. */
const COMPACT_STEP = 256;

/**
 * Opens the store of the embedded mode. Rejects with `refused` when another process has it or the database
 * is for later programs, with `unavailable` when the disk does not let it be opened.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<MaintainableStore> {
  const until = options.clock.monotonic() + (options.lockTimeoutMs ?? 2_000);
  for (;;) {
    try {
      return new SqliteStore(options);
    } catch (error) {
      const locked = error instanceof SlipwayError && isLocked(error.cause);
      if (!locked || options.clock.monotonic() >= until) throw error;
      await options.clock.sleep(50);
    }
  }
}

/**
 * State of the disk as the store knows it:
 *
 *     writable ──commit or compaction fails──► failed ──reopened and verified──► writable
 *                                               │  ▲
 *                                               └──┘ verification fails (tried at most once a second)
 *
 * After a failed sync the kernel may have dropped the pages and call them clean, so nothing that is cached
 * is trusted: the database is closed and opened again, its WAL is copied into the file and emptied, the file
 * is checked, and a probe is committed before the next write is taken. Otherwise later commits would be
 * appended behind frames that never reached the disk, and be lost with them.
 */
class SqliteStore implements MaintainableStore {
  readonly #options: SqliteStoreOptions;
  readonly #commits = new GroupCommit<Mutation, Stored | undefined>((batch) => this.#commit(batch));
  readonly #wakeup = new Wakeup();
  readonly #backups = new Set<Promise<unknown>>();
  #open: { readonly db: DatabaseSync; readonly tables: Tables } | undefined;
  /** Why writes are refused, and when to try the next time (monotonic ms). */
  #failed: { readonly error: SlipwayError; readonly retryAt: number } | undefined;
  /** Highest version that was acknowledged: a database that has less was tampered with. */
  #acknowledged = 0;
  #nextAgeCheck = 0;
  #compactTarget = 0;

  constructor(options: SqliteStoreOptions) {
    this.#options = options;
    this.#reopen();
  }

  async get<T extends ApiObject>(key: ObjectKey): Promise<Stored<T> | undefined> {
    const current = this.#reading((tables) => tables.read(key));
    return current === undefined ? undefined : (JSON.parse(current.body) as Stored<T>);
  }

  async list<T extends ApiObject>(kind: string, options: ListOptions = {}) {
    return this.#reading((tables) => tables.list<T>(kind, options));
  }

  async create<T extends ApiObject>(object: T) {
    return (await this.#write({ type: 'create', key: keyOf(object), text: serialise(object) })) as Stored<T>;
  }

  async update<T extends ApiObject>(object: Stored<T>, options: { status?: boolean } = {}) {
    const [key, text] = [keyOf(object as ApiObject), serialise(object as ApiObject)];
    return (await this.#write({ type: 'update', key, text, status: options.status ?? false })) as Stored<T>;
  }

  async updateStatus<T extends ApiObject>(object: Stored<T>) {
    const [key, text] = [keyOf(object as ApiObject), serialise(object as ApiObject)];
    return (await this.#write({ type: 'updateStatus', key, text })) as Stored<T>;
  }

  async delete<T extends ApiObject>(
    key: ObjectKey,
    precondition: { resourceVersion?: string; uid?: string } = {},
  ) {
    return (await this.#write({ type: 'delete', key, precondition })) as Stored<T> | undefined;
  }

  watch: MaintainableStore['watch'] = (kind, options) => {
    const log: ChangeLog = {
      head: () => this.#reading((tables) => tables.head()),
      compacted: () => this.#reading((tables) => tables.compacted()),
      after: (...query) => this.#reading((tables) => tables.after(...query)),
    };
    return watchLog(log, this.#wakeup, kind, options);
  };

  async currentVersion(): Promise<string> {
    return this.#reading((tables) => String(tables.head()));
  }

  async compact(before: string): Promise<void> {
    const wanted = parseVersion(before);
    this.#commits.flush();
    for (;;) {
      this.#requireWritable();
      const through = this.#reading((tables) => {
        const end = Math.min(wanted, tables.head());
        return end <= tables.compacted() ? undefined : Math.min(end, tables.compacted() + COMPACT_STEP);
      });
      if (through === undefined) return;
      this.#transaction((tables) => tables.compact(through));
      this.#opened().tables.compactedTo(through);
      this.#wakeup.notify();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async backup(file: string): Promise<{ bytes: number; resourceVersion: string }> {
    const { db } = this.#opened();
    if (resolve(file) === resolve(this.#options.file)) {
      throw new SlipwayError('invalid', `${file} is the store itself`, { next: 'name another file' });
    }
    const running = backupDatabase(db, file, this.#options.random);
    this.#backups.add(running);
    try {
      return await running;
    } finally {
      this.#backups.delete(running);
    }
  }

  async close(): Promise<void> {
    if (this.#wakeup.closed !== undefined) return;
    this.#commits.flush();
    this.#wakeup.close(new SlipwayError('unavailable', 'the store was closed'));
    await Promise.allSettled([...this.#backups]);
    this.#open?.db.close();
    this.#open = undefined;
  }

  async #write(mutation: Mutation): Promise<Stored | undefined> {
    if (this.#wakeup.closed !== undefined) throw this.#wakeup.closed;
    return this.#commits.add(mutation, mutation.type === 'delete' ? 0 : mutation.text.length);
  }

  /** One batch: every write against what the ones before it made, then one commit for all. */
  #commit(batch: readonly Write[]): void {
    let decided: readonly Decided[];
    try {
      this.#requireWritable();
      const applied = this.#transaction((tables) => this.#apply(tables, batch));
      const { tables } = this.#opened();
      tables.advance(applied.head);
      tables.compactedTo(applied.compacted);
      this.#acknowledged = applied.head;
      decided = applied.decided;
    } catch (error) {
      for (const write of batch) write.reject(error as Error);
      return;
    }
    batch.forEach((write, i) => {
      const outcome = decided[i];
      if (outcome?.ok === true) write.resolve(outcome.value.answer);
      else write.reject(outcome?.error ?? new Error('a write of the batch was not decided'));
    });
    this.#wakeup.notify();
  }

  #apply(tables: Tables, batch: readonly Write[]) {
    const at = this.#options.clock.now();
    const now = instant(at);
    let head = tables.head();
    const decided = batch.map(({ write }): Decided => {
      const current = tables.read(write.key);
      const outcome = decide(current?.body, write, {
        version: head + 1,
        now,
        uid: () => this.#options.random.uuid(),
      });
      if (outcome.ok && outcome.value.change !== undefined) {
        head += 1;
        const { type, object } = outcome.value.change;
        const body = JSON.stringify(object);
        tables.append({ version: head, key: write.key, type, previous: current?.version, at, body });
      }
      return outcome;
    });
    return { decided, head, compacted: this.#compactSome(tables, head) };
  }

  /** Forgets a few old changes in the commit that is made anyway; answers how far. */
  #compactSome(tables: Tables, head: number): number {
    const { maxChanges = 20_000, maxAgeMs = 3_600_000 } = this.#options.history ?? {};
    if (this.#options.clock.monotonic() >= this.#nextAgeCheck) {
      this.#nextAgeCheck = this.#options.clock.monotonic() + AGE_CHECK_MS;
      this.#compactTarget = Math.min(tables.head(), tables.olderThan(this.#options.clock.now() - maxAgeMs));
    }
    const target = Math.max(this.#compactTarget, head - maxChanges);
    if (target - tables.compacted() < COMPACT_STEP / 2) return tables.compacted();
    const through = Math.min(target, tables.compacted() + COMPACT_STEP);
    tables.compact(through);
    return through;
  }

  #transaction<T>(work: (tables: Tables) => T): T {
    const { db, tables } = this.#opened();
    try {
      db.exec('BEGIN IMMEDIATE');
      const result = work(tables);
      db.exec('COMMIT');
      return result;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #opened() {
    if (this.#wakeup.closed !== undefined) throw this.#wakeup.closed;
    if (this.#open === undefined) throw this.#failed?.error ?? new SlipwayError('unavailable', 'no database');
    return this.#open;
  }

  #reading<T>(read: (tables: Tables) => T): T {
    const { tables } = this.#opened();
    try {
      return read(tables);
    } catch (error) {
      throw storageError(error, this.#options.file, 'read');
    }
  }

  /** Closes the database at once and opens it again for reading; writes stay refused. */
  #fail(error: unknown): SlipwayError {
    const failure = storageError(error, this.#options.file, 'written');
    this.#failed = { error: failure, retryAt: this.#options.clock.monotonic() + RETRY_MS };
    const { db } = this.#open ?? {};
    this.#open = undefined;
    try {
      db?.close();
      this.#reopen();
    } catch (again) {
      this.#failed = {
        error: new SlipwayError('unavailable', failure.message, { next: failure.next, cause: again }),
        retryAt: this.#failed.retryAt,
      };
    }
    this.#wakeup.notify();
    return failure;
  }

  #reopen(): void {
    const { file, programVersion, migrations, unsafeNoSync = false } = this.#options;
    const db = openDatabase({ file, unsafeNoSync });
    try {
      migrate(db, { file, programVersion, ...(migrations && { migrations }) });
      const tables = new Tables(db);
      if (tables.head() < this.#acknowledged) {
        throw new SlipwayError(
          'unavailable',
          `the store ${file} is at version ${tables.head()} although version ${this.#acknowledged} was acknowledged: the disk lost writes`,
          { next: 'run `slipway restore` with the latest backup' },
        );
      }
      this.#open = { db, tables };
    } catch (error) {
      db.close();
      throw storageError(error, file, 'opened');
    }
  }

  #requireWritable(): void {
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

  /** The WAL into the file and emptied, the file checked, a probe committed: then the disk works again. */
  #verify(): void {
    const { db } = this.#opened();
    const checkpoint = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
    if (checkpoint?.busy !== 0) throw new Error('the WAL could not be emptied');
    const check = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
    if (check !== 'ok') throw new Error(`the check of the database says: ${String(check)}`);
    db.exec('BEGIN IMMEDIATE');
    writeMeta(db, 'verified', instant(this.#options.clock.now()));
    db.exec('COMMIT');
  }
}

const refusal = (error: SlipwayError): SlipwayError =>
  new SlipwayError('unavailable', `no writes are taken since ${error.message}`, {
    next: error.next,
    cause: error,
  });

/** As `mutate`; a stored text that is no JSON fails this write alone. */
function decide(body: string | undefined, write: Mutation, context: Parameters<typeof mutate>[2]): Decided {
  try {
    return mutate(body === undefined ? undefined : (JSON.parse(body) as Stored), write, context);
  } catch (error) {
    return { ok: false, error: error as Error };
  }
}
