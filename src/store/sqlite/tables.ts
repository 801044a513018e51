import type { DatabaseSync } from 'node:sqlite';
import type { ApiObject, Stored } from '../../api/meta.ts';
import { type Change, type ChangeLog, requireKept } from '../change-log.ts';
import { type Continuation, decodeContinuation, encodeContinuation, matchesLabels } from '../selection.ts';
import type { ListOptions, ListResult, ObjectKey } from '../store.ts';
import { readMeta, writeMeta } from './migrations.ts';

/** The latest state of an object. */
export interface Current {
  readonly version: number;
  readonly body: string;
}

/** One change to append; `previous` is the version that it replaces. */
export interface Append {
  readonly version: number;
  readonly key: ObjectKey;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly previous: number | undefined;
  readonly at: number;
  readonly body: string;
}

/**
 * The statements over `log` and `objects` (see migrations.ts for what they hold). Everything here is
 * synchronous and knows nothing of transactions: whoever writes brackets it with one.
 */
export class Tables implements ChangeLog {
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  #head: number;
  #compacted: number;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#statements = prepare(db);
    this.#compacted = Number(readMeta(db, 'compacted') ?? 0);
    const newest = Number(this.#statements.newest.get()?.version ?? 0);
    // The newest change may be a deletion that is compacted already: its version must not be used again.
    this.#head = Math.max(newest, this.#compacted);
  }

  head(): number {
    return this.#head;
  }

  compacted(): number {
    return this.#compacted;
  }

  /** Called when the transaction that wrote up to this version is durable. */
  advance(head: number): void {
    this.#head = head;
  }

  read(key: ObjectKey): Current | undefined {
    const row = this.#statements.read.get(key.kind, key.namespace ?? '', key.name);
    return row === undefined ? undefined : { version: Number(row.version), body: String(row.body) };
  }

  append(change: Append): void {
    const { kind, namespace = '', name } = change.key;
    this.#statements.insert.run(
      change.version,
      kind,
      namespace,
      name,
      change.type,
      change.previous ?? null,
      change.at,
      change.body,
    );
    if (change.type === 'ADDED') this.#statements.point.run(kind, namespace, name, change.version);
    else if (change.type === 'MODIFIED') this.#statements.repoint.run(change.version, kind, namespace, name);
    else this.#statements.unpoint.run(kind, namespace, name);
  }

  list<T extends ApiObject>(kind: string, options: ListOptions): ListResult<T> {
    const from =
      options.continueToken === undefined ? undefined : decodeContinuation(options.continueToken, kind);
    const version = from?.version ?? this.#head;
    requireKept(this, version);
    const items: Stored<T>[] = [];
    let last: Pick<Continuation, 'namespace' | 'name'> | undefined;
    for (const row of this.#rows(kind, version, from, options.namespace)) {
      const object = JSON.parse(String(row.body)) as Stored<T>;
      if (!matchesLabels(object, options.labels)) continue;
      if (options.limit !== undefined && items.length >= options.limit && last !== undefined) {
        const continueToken = encodeContinuation({ kind, version, ...last });
        return { items, resourceVersion: String(version), continueToken };
      }
      items.push(object);
      last = { namespace: String(row.namespace), name: String(row.name) };
    }
    return { items, resourceVersion: String(version) };
  }

  /** Objects of a kind at a version, after a key, in order. */
  #rows(kind: string, version: number, from: Continuation | undefined, namespace: string | undefined) {
    const parameters = {
      kind,
      namespace: namespace ?? null,
      fromNamespace: from?.namespace ?? '',
      fromName: from?.name ?? '',
    };
    return version === this.#head
      ? this.#statements.list.iterate(parameters)
      : this.#statements.listAt.iterate({ ...parameters, version });
  }

  after(kind: string, version: number, limit: number, namespace: string | undefined) {
    const rows = this.#statements.after.all({ kind, version, limit, namespace: namespace ?? null });
    const changes = rows.map(
      (row): Change => ({
        version: Number(row.version),
        type: row.type as Change['type'],
        body: String(row.body),
        previous: () => (row.previous === null ? undefined : this.#bodyOf(Number(row.previous))),
      }),
    );
    const through = changes.length < limit ? this.#head : (changes.at(-1)?.version ?? this.#head);
    return { changes, through };
  }

  #bodyOf(version: number): string | undefined {
    const body = this.#statements.body.get(version)?.body;
    return typeof body === 'string' ? body : undefined;
  }

  /** The version before the first change that is at least as young as `cutoff` (ms since 1970). */
  olderThan(cutoff: number): number {
    const young = this.#statements.firstSince.get(this.#compacted, cutoff)?.version;
    return young === undefined ? this.#head : Number(young) - 1;
  }

  /**
   * Forgets changes up to a version: states that a change up to it replaced, and deletions up to it. The
   * state of each object at that version stays, so that lists and watches from it go on.
   */
  compact(through: number): void {
    if (through <= this.#compacted) return;
    this.#statements.forget.run({ from: this.#compacted, through });
    writeMeta(this.#db, 'compacted', String(through));
  }

  /** Called when the transaction that compacted is durable. */
  compactedTo(through: number): void {
    this.#compacted = Math.max(this.#compacted, through);
  }
}

function prepare(db: DatabaseSync) {
  return {
    newest: db.prepare('SELECT max(version) AS version FROM log'),
    read: db.prepare(
      `SELECT o.version, l.body FROM objects o JOIN log l ON l.version = o.version
       WHERE o.kind = ? AND o.namespace = ? AND o.name = ?`,
    ),
    insert: db.prepare(
      `INSERT INTO log (version, kind, namespace, name, type, previous, at, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    point: db.prepare('INSERT INTO objects (kind, namespace, name, version) VALUES (?, ?, ?, ?)'),
    repoint: db.prepare('UPDATE objects SET version = ? WHERE kind = ? AND namespace = ? AND name = ?'),
    unpoint: db.prepare('DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?'),
    list: db.prepare(
      `SELECT o.namespace, o.name, l.body FROM objects o JOIN log l ON l.version = o.version
       WHERE o.kind = :kind AND (:namespace IS NULL OR o.namespace = :namespace)
         AND (o.namespace, o.name) > (:fromNamespace, :fromName)
       ORDER BY o.namespace, o.name`,
    ),
    // An object at an earlier version: unchanged since, or what the first change since then replaced.
    listAt: db.prepare(
      `SELECT namespace, name, body FROM (
         SELECT o.namespace, o.name, l.body FROM objects o JOIN log l ON l.version = o.version
         WHERE o.kind = :kind AND o.version <= :version
         UNION ALL
         SELECT f.namespace, f.name, p.body FROM log f JOIN log p ON p.version = f.previous
         WHERE f.version > :version AND f.kind = :kind AND f.previous <= :version
       )
       WHERE (:namespace IS NULL OR namespace = :namespace) AND (namespace, name) > (:fromNamespace, :fromName)
       ORDER BY namespace, name`,
    ),
    after: db.prepare(
      `SELECT version, type, previous, body FROM log
       WHERE version > :version AND kind = :kind AND (:namespace IS NULL OR namespace = :namespace)
       ORDER BY version LIMIT :limit`,
    ),
    body: db.prepare('SELECT body FROM log WHERE version = ?'),
    firstSince: db.prepare('SELECT version FROM log WHERE version > ? AND at >= ? ORDER BY version LIMIT 1'),
    forget: db.prepare(
      `DELETE FROM log WHERE version IN (
         SELECT previous FROM log WHERE version > :from AND version <= :through AND previous IS NOT NULL
         UNION ALL
         SELECT version FROM log WHERE version > :from AND version <= :through AND type = 'DELETED'
       )`,
    ),
  };
}
