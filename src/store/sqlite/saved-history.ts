import type { DatabaseSync } from 'node:sqlite';
import { bodyOf, parseBody } from '../document.ts';
import { type Entry, History, type HistoryLimits } from '../history.ts';
import { readMeta, writeMeta } from './migrations.ts';

/** Changes that a clean stop saves. */
const MAX_SAVED = 1_000;

/**
 * History lives in memory: a second page written with each commit would halve the store's speed. A clean
 * stop saves the latest part of it, so that watches of clients resume over a restart. After a kill it is not
 * there, and they are told `gone` and list again, as they are of a Kubernetes API server that lost its watch
 * cache.
 */
export function saveHistory(db: DatabaseSync, history: History): void {
  const saved = history.entries.slice(-MAX_SAVED);
  const first = saved[0]?.version ?? 0;
  const insert = db.prepare(
    `INSERT INTO history (version, kind, namespace, name, type, at, body, previous, previous_body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  db.exec('BEGIN IMMEDIATE; DELETE FROM history');
  for (const { version, kind, namespace, name, type, at, document, before } of saved) {
    // A state that is saved as an entry of its own is not saved again as what came before.
    const body = before === undefined || before.version >= first ? null : bodyOf(before.document);
    const previous = before?.version ?? null;
    insert.run(version, kind, namespace, name, type, at, bodyOf(document), previous, body);
  }
  writeMeta(db, 'historyFrom', String(saved.length < history.entries.length ? first - 1 : history.compacted));
  writeMeta(db, 'historyHead', String(history.head));
  db.exec('COMMIT');
}

/** The saved history, or an empty one that begins at `head` where the last stop was not clean. */
export function loadHistory(db: DatabaseSync, head: number, limits: HistoryLimits): History {
  if (Number(readMeta(db, 'historyHead') ?? -1) !== head) return new History(head, limits);
  const history = new History(Number(readMeta(db, 'historyFrom') ?? head), limits);
  const byVersion = new Map<number, Entry>();
  for (const row of db.prepare('SELECT * FROM history ORDER BY version').iterate()) {
    const identity = { kind: String(row.kind), namespace: String(row.namespace), name: String(row.name) };
    const entry: Entry = {
      ...identity,
      version: Number(row.version),
      type: row.type as Entry['type'],
      document: parseBody(String(row.body)),
      at: Number(row.at),
      before: byVersion.get(Number(row.previous)),
    };
    if (entry.before === undefined && row.previous_body !== null) {
      const document = parseBody(String(row.previous_body));
      entry.before = {
        ...identity,
        version: Number(row.previous),
        type: 'MODIFIED',
        document,
        at: 0,
        before: undefined,
      };
    }
    byVersion.set(entry.version, entry);
    history.append(entry);
  }
  return history;
}
