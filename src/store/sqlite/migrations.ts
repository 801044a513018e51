import type { DatabaseSync } from 'node:sqlite';
import { SlipwayError } from '../../lib/errors.ts';
import { APPLICATION_ID } from './database.ts';

/**
 * One step of the schema. A program opens databases of a later schema too, as long as it is at least their
 * `minReader`: so a step that only adds (a table, a column with a default) keeps the minReader before it, and
 * versions n and n+1 can share a database; a step that older programs would read wrongly raises it.
 */
export interface Migration {
  /** The schema's number after the step; steps are numbered from 1 without gaps. */
  readonly schema: number;
  /** Oldest program version that may open a database of this schema. */
  readonly minReader: string;
  readonly sql: string;
}

/**
 * Schema 1. `objects` holds the present state of each object, so that a change rewrites one page and no
 * more. `history` is what a clean stop saved of the latest changes (saved-history.ts). `meta.head` is the
 * version of the latest deletion. An object's text is split: its spec, its status, and the rest.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    schema: 1,
    minReader: '0.1.0',
    sql: `
      CREATE TABLE objects (
        id INTEGER PRIMARY KEY,
        version INTEGER NOT NULL,
        kind TEXT NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        rest TEXT NOT NULL,
        spec TEXT,
        status TEXT
      ) STRICT;
      CREATE UNIQUE INDEX objects_key ON objects (kind, namespace, name);
      CREATE TABLE history (
        version INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        at INTEGER NOT NULL,
        rest TEXT NOT NULL,
        spec TEXT,
        status TEXT,
        previous INTEGER
      ) STRICT;
    `,
  },
];

/**
 * Brings the schema up to date in one transaction, or says why this program must not open the database.
 * The caller holds the lock.
 */
export function migrate(
  db: DatabaseSync,
  options: {
    readonly file: string;
    readonly programVersion: string;
    readonly migrations?: readonly Migration[];
  },
): void {
  const { file, programVersion, migrations = MIGRATIONS } = options;
  db.exec('BEGIN IMMEDIATE');
  try {
    db.exec(
      'CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID',
    );
    const schema = Number(readMeta(db, 'schema') ?? 0);
    const minReader = readMeta(db, 'minReader') ?? '0.0.0';
    if (compareProgramVersions(programVersion, minReader) < 0) {
      throw new SlipwayError(
        'refused',
        `${file} was written by Slipway ${readMeta(db, 'program') ?? '(unknown)'} and needs at least Slipway ${minReader}; this is ${programVersion}`,
        { next: `run Slipway ${minReader} or later, or \`slipway restore\` a backup that this version made` },
      );
    }
    for (const step of migrations) {
      if (step.schema <= schema) continue;
      db.exec(step.sql);
      writeMeta(db, 'schema', String(step.schema));
      writeMeta(db, 'minReader', step.minReader);
      writeMeta(db, 'program', programVersion);
    }
    if (schema === 0) db.exec(`PRAGMA application_id=${APPLICATION_ID}`);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

export function readMeta(db: DatabaseSync, key: string): string | undefined {
  const value = db.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.value;
  return typeof value === 'string' ? value : undefined;
}

export function writeMeta(db: DatabaseSync, key: string, value: string): void {
  db.prepare(
    'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  ).run(key, value);
}

/** Order of two program versions by their three numbers; a pre-release counts as its release. */
export function compareProgramVersions(a: string, b: string): number {
  const numbers = (version: string): number[] => {
    const match = /^v?(\d+)\.(\d+)\.(\d+)(?:[-+]|$)/.exec(version);
    if (match === null) throw new SlipwayError('invalid', `${JSON.stringify(version)} is no version`);
    return match.slice(1).map(Number);
  };
  const [x, y] = [numbers(a), numbers(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}
