import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Document } from '../document.ts';
import type { Entry } from '../history.ts';
import { compareKeys, type Row } from '../selection.ts';
import type { ObjectKey } from '../store.ts';
import { readMeta, writeMeta } from './migrations.ts';

/**
 * The statements over `objects` (see migrations.ts for what it holds). Everything here is synchronous and
 * knows nothing of transactions: whoever writes brackets it with one.
 */
export class Tables {
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#statements = prepare(db);
  }

  /** The latest version that was given out. A deletion leaves no row, so it leaves its version in `meta`. */
  head(): number {
    const newest = Number(this.#statements.newest.get()?.version ?? 0);
    return Math.max(newest, Number(readMeta(this.#db, 'head') ?? 0));
  }

  begin(): void {
    this.#statements.begin.run();
  }

  commit(): void {
    this.#statements.commit.run();
  }

  /** An object as an entry of the history that nothing precedes. */
  read({ kind, namespace = '', name }: ObjectKey): Entry | undefined {
    const row = this.#statements.read.get(kind, namespace, name);
    if (row === undefined) return undefined;
    const document = documentOfRow(row);
    return {
      version: Number(row.version),
      type: 'MODIFIED',
      kind,
      namespace,
      name,
      document,
      at: 0,
      before: undefined,
    };
  }

  write({ type, kind, namespace, name, version, document }: Entry): void {
    if (type === 'DELETED') {
      this.#statements.remove.run(kind, namespace, name);
      writeMeta(this.#db, 'head', String(version));
      return;
    }
    const [rest, spec, status] = columnsOf(document);
    if (type === 'ADDED') this.#statements.insert.run(version, kind, namespace, name, rest, spec, status);
    else this.#statements.update.run(version, rest, spec, status, kind, namespace, name);
  }

  /** Objects of a kind that have not changed since `version`, from a namespace and name on, in order. */
  *unchanged(kind: string, version: number, from: { namespace: string; name: string }): Iterable<Row> {
    const rows = this.#statements.list.iterate({ kind, version, ...from });
    for (const row of rows) {
      yield {
        namespace: String(row.namespace),
        name: String(row.name),
        document: () => documentOfRow(row),
      };
    }
  }
}

/** A document as the columns `rest`, `spec` and `status` hold it. */
export const columnsOf = ({ rest, spec, status }: Document) =>
  [JSON.stringify(rest), spec ?? null, status ?? null] as const;

export const documentOfRow = (row: Record<string, SQLOutputValue>): Document => ({
  rest: JSON.parse(String(row.rest)) as Document['rest'],
  spec: row.spec === null ? undefined : String(row.spec),
  status: row.status === null ? undefined : String(row.status),
});

/** Two sequences in order made one in order. */
export function* merged(a: Iterable<Row>, b: readonly Row[]): Iterable<Row> {
  let next = 0;
  for (const row of a) {
    for (let other = b[next]; other !== undefined && compareKeys(other, row) < 0; other = b[next]) {
      yield other;
      next += 1;
    }
    yield row;
  }
  yield* b.slice(next);
}

function prepare(db: DatabaseSync) {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    newest: db.prepare('SELECT max(version) AS version FROM objects'),
    read: db.prepare(
      'SELECT version, rest, spec, status FROM objects WHERE kind = ? AND namespace = ? AND name = ?',
    ),
    insert: db.prepare(
      'INSERT INTO objects (version, kind, namespace, name, rest, spec, status) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    update: db.prepare(
      'UPDATE objects SET version = ?, rest = ?, spec = ?, status = ? WHERE kind = ? AND namespace = ? AND name = ?',
    ),
    remove: db.prepare('DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?'),
    list: db.prepare(
      `SELECT namespace, name, rest, spec, status FROM objects
       WHERE kind = :kind AND version <= :version AND (namespace, name) >= (:namespace, :name)
       ORDER BY namespace, name`,
    ),
  };
}
