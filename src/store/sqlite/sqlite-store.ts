import { resolve } from 'node:path';
import type { ApiObject, Stored } from '../../api/meta.ts';
import { type Clock, instant } from '../../lib/clock.ts';
import { type Result, SlipwayError } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { type Document, documentOf, keyId, keyOf, objectOf } from '../document.ts';
import { type Entry, History, type HistoryLimits } from '../history.ts';
import { type Mutation, mutate } from '../mutation.ts';
import { compareKeys, decodeContinuation, page, type Row } from '../selection.ts';
import type { ListOptions, ListResult, MaintainableStore, ObjectKey } from '../store.ts';
import { parseVersion, requireKept, Wakeup, watchHistory } from '../watch.ts';
import { backupDatabase } from './backup.ts';
import { isLocked, storageError } from './database.ts';
import { GroupCommit, type Pending } from './group-commit.ts';
import { GuardedDatabase } from './guarded-database.ts';
import type { Migration } from './migrations.ts';
import { loadHistory, saveHistory } from './saved-history.ts';
import { merged, type Tables } from './tables.ts';

export interface SqliteStoreOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly random: Random;
  /** This program's version, against the database's `minReader`. */
  readonly programVersion: string;
  /** What is kept for watches to resume from; whichever limit is reached first compacts. */
  readonly history?: HistoryLimits;
  /** How long to wait for the lock of a process that is just ending. Default 2,000. */
  readonly lockTimeoutMs?: number;
  /** For tests of migrations. */
  readonly migrations?: readonly Migration[];
  /** For the power-cut test alone: see OpenDatabaseOptions. */
  readonly unsafeNoSync?: boolean;
}

type Write = Pending<Mutation, Document | undefined>;
/** What one write of a batch comes to, before the batch is durable. */
type Decided = Result<Document | undefined, Error>;

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
 * Objects in a database of this process alone (guarded-database.ts says what happens when the disk fails),
 * the latest changes in memory (history.ts), and one commit for all writes of a turn (group-commit.ts).
 */
class SqliteStore implements MaintainableStore {
  readonly #options: SqliteStoreOptions;
  readonly #commits = new GroupCommit<Mutation, Document | undefined>((batch) => this.#commit(batch));
  readonly #wakeup = new Wakeup();
  readonly #backups = new Set<Promise<unknown>>();
  readonly #database: GuardedDatabase;
  /** Its head is the last acknowledged version. */
  #history = new History(0);

  constructor(options: SqliteStoreOptions) {
    this.#options = options;
    let isFirst = true;
    this.#database = new GuardedDatabase(options, ({ db, tables }) => {
      this.#follow(tables.head(), () =>
        isFirst ? loadHistory(db, tables.head(), options.history ?? {}) : undefined,
      );
      isFirst = false;
    });
  }

  async get<T extends ApiObject>(key: ObjectKey): Promise<Stored<T> | undefined> {
    const entry = this.#reading((tables, history) => present(tables, history, key));
    return entry === undefined ? undefined : objectOf<T>(entry.document);
  }

  async list<T extends ApiObject>(kind: string, options: ListOptions = {}): Promise<ListResult<T>> {
    return this.#reading((tables, history) => {
      const token = options.continueToken;
      const from = token === undefined ? undefined : decodeContinuation(token, kind);
      const version = from?.version ?? history.head;
      requireKept(history, version);
      const start = from ?? { namespace: options.namespace ?? '', name: '' };
      const { namespace, name } = start;
      const changed = history.replacedSince(kind, version).sort(compareKeys).map(asRow);
      return page<T>(
        kind,
        version,
        merged(tables.unchanged(kind, version, { namespace, name }), changed),
        options,
      );
    });
  }

  async create<T extends ApiObject>(object: T): Promise<Stored<T>> {
    return this.#write<T>({ type: 'create', key: keyOf(object), document: documentOf(object) });
  }

  async update<T extends ApiObject>(
    object: Stored<T>,
    options: { status?: boolean } = {},
  ): Promise<Stored<T>> {
    const [key, document] = [keyOf(object), documentOf(object)];
    return this.#write<T>({ type: 'update', key, document, status: options.status ?? false });
  }

  async updateStatus<T extends ApiObject>(object: Stored<T>): Promise<Stored<T>> {
    return this.#write<T>({ type: 'updateStatus', key: keyOf(object), document: documentOf(object) });
  }

  async delete<T extends ApiObject>(
    key: ObjectKey,
    precondition: { resourceVersion?: string; uid?: string } = {},
  ): Promise<Stored<T> | undefined> {
    const document = await this.#queue({ type: 'delete', key, precondition });
    return document === undefined ? undefined : objectOf<T>(document);
  }

  watch: MaintainableStore['watch'] = (kind, options) =>
    watchHistory(() => this.#history, this.#wakeup, kind, options);

  async currentVersion(): Promise<string> {
    return this.#reading((_, history) => String(history.head));
  }

  async compact(before: string): Promise<void> {
    this.#reading((_, history) => history.forget(parseVersion(before)));
    this.#wakeup.notify();
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
    try {
      if (!this.#database.isFailed) saveHistory(this.#database.opened.db, this.#history);
    } catch {
      // Nothing acknowledged is in it. Without it watches end with `gone`, as after a kill.
    } finally {
      this.#database.close();
    }
  }

  async #write<T extends ApiObject>(mutation: Mutation): Promise<Stored<T>> {
    return objectOf<T>((await this.#queue(mutation)) as Document);
  }

  async #queue(mutation: Mutation): Promise<Document | undefined> {
    if (this.#wakeup.closed !== undefined) throw this.#wakeup.closed;
    const { spec, status } = mutation.type === 'delete' ? {} : mutation.document;
    return this.#commits.add(mutation, (spec?.length ?? 0) + (status?.length ?? 0));
  }

  /** One batch: every write against what the ones before it made, then one commit for all. */
  #commit(batch: readonly Write[]): void {
    let decided: readonly Decided[];
    try {
      decided = this.#save(batch);
    } catch (error) {
      for (const write of batch) write.reject(storageError(error, this.#options.file, 'written'));
      // Reads may show more, or nothing, after a failure: whoever watches has to look again.
      this.#wakeup.notify();
      return;
    }
    batch.forEach((write, i) => {
      const outcome = decided[i];
      if (outcome?.ok === true) write.resolve(outcome.value);
      else write.reject(outcome?.error ?? new Error('a write of the batch was not decided'));
    });
    this.#wakeup.notify();
  }

  #save(batch: readonly Write[]): readonly Decided[] {
    this.#database.requireWritable();
    const { tables } = this.#opened();
    const history = this.#history;
    const { decided, entries } = this.#decide(batch, tables, history);
    if (entries.length === 0) return decided;
    this.#database.commit((into) => {
      for (const entry of entries) into.write(entry);
    });
    for (const entry of entries) history.append(entry);
    return decided;
  }

  #decide(batch: readonly Write[], tables: Tables, history: History) {
    const at = this.#options.clock.now();
    const now = instant(at);
    const uid = () => this.#options.random.uuid();
    const entries: Entry[] = [];
    const touched = new Map<string, Entry>();
    const decided = batch.map(({ write }): Decided => {
      const { kind, namespace = '', name } = write.key;
      const id = keyId(kind, namespace, name);
      const made = touched.get(id);
      const before =
        made === undefined ? present(tables, history, write.key) : made.type === 'DELETED' ? undefined : made;
      const version = history.head + entries.length + 1;
      const outcome = mutate(before?.document, write, { version, now, uid });
      if (!outcome.ok) return outcome;
      const { change: type, document } = outcome.value;
      if (type !== undefined && document !== undefined) {
        const entry: Entry = { version, type, kind, namespace, name, document, at, before };
        entries.push(entry);
        touched.set(id, entry);
      }
      return { ok: true, value: document };
    });
    return { decided, entries };
  }

  /** Takes up the history where the database stands. */
  #follow(head: number, saved: () => History | undefined): void {
    const acknowledged = this.#history.head;
    if (head < acknowledged) {
      throw new SlipwayError(
        'unavailable',
        `the store ${this.#options.file} is at version ${head} although version ${acknowledged} was acknowledged: the disk lost writes`,
        { next: 'run `slipway restore` with the latest backup' },
      );
    }
    // A batch that was refused may have reached the disk: what watches saw does not lead up to it.
    this.#history =
      saved() ?? (head > acknowledged ? new History(head, this.#options.history) : this.#history);
  }

  #opened() {
    if (this.#wakeup.closed !== undefined) throw this.#wakeup.closed;
    return this.#database.opened;
  }

  #reading<T>(read: (tables: Tables, history: History) => T): T {
    const { tables } = this.#opened();
    try {
      return read(tables, this.#history);
    } catch (error) {
      throw storageError(error, this.#options.file, 'read');
    }
  }
}

/** An object as it stands: out of the history where it was changed lately, else out of the database. */
function present(tables: Tables, history: History, key: ObjectKey): Entry | undefined {
  const latest = history.latest(key.kind, key.namespace, key.name);
  if (latest === undefined) return tables.read(key);
  return latest.type === 'DELETED' ? undefined : latest;
}

const asRow = ({ namespace, name, document }: Entry): Row => ({ namespace, name, document: () => document });
