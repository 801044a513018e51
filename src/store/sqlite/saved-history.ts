import type { DatabaseSync } from 'node:sqlite';
import { type Entry, History, type HistoryLimits } from '../history.ts';
import { readMeta, writeMeta } from './migrations.ts';
import { columnsOf, documentOfRow } from './tables.ts';

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
  const from = saved.length < history.entries.length ? (saved[0]?.version ?? 0) - 1 : history.compacted;
  const insert = db.prepare(
    `INSERT INTO history (version, kind, namespace, name, type, at, rest, spec, status, previous)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const write = ({ version, kind, namespace, name, type, at, document, before }: Entry) =>
    insert.run(version, kind, namespace, name, type, at, ...columnsOf(document), before?.version ?? null);
  db.exec('BEGIN IMMEDIATE; DELETE FROM history');
  for (const entry of saved) {
    // What came before the first saved change of an object, below `historyFrom`: it is no change to watch.
    if (entry.before !== undefined && entry.before.version <= from)
      write({ ...entry.before, before: undefined });
    write(entry);
  }
  writeMeta(db, 'historyFrom', String(from));
  writeMeta(db, 'historyHead', String(history.head));
  db.exec('COMMIT');
}

/** The saved history, or an empty one that begins at `head` where the last stop was not clean. */
export function loadHistory(db: DatabaseSync, head: number, limits: HistoryLimits): History {
  if (Number(readMeta(db, 'historyHead') ?? -1) !== head) return new History(head, limits);
  const from = Number(readMeta(db, 'historyFrom') ?? head);
  const history = new History(from, limits);
  const byVersion = new Map<number, Entry>();
  for (const row of db.prepare('SELECT * FROM history ORDER BY version').iterate()) {
    const entry: Entry = {
      version: Number(row.version),
      type: row.type as Entry['type'],
      kind: String(row.kind),
      namespace: String(row.namespace),
      name: String(row.name),
      document: documentOfRow(row),
      at: Number(row.at),
      before: row.previous === null ? undefined : byVersion.get(Number(row.previous)),
    };
    byVersion.set(entry.version, entry);
    if (entry.version > from) history.append(entry);
  }
  return history;
}
