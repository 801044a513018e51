import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import type { Clock } from '../../lib/clock.ts';
import { messageOf, SlipwayError } from '../../lib/errors.ts';
import { syncDirectory } from '../sync-directory.ts';
import { APPLICATION_ID, openDatabase, storageError } from './database.ts';
import { migrate, writeMeta } from './migrations.ts';
import { columnsOf, documentOfRow, Tables } from './tables.ts';

/** Versions are far less than this apart between a backup and what was lost after it. */
const VERSION_JUMP = 1_000_000;
/** As above, for epochs. */
export const EPOCH_JUMP = 1_000;

export interface RestoreOptions {
  readonly clock: Clock;
  readonly programVersion: string;
}

export interface Restored {
  /** The store's version from now on. */
  readonly resourceVersion: string;
  readonly objects: number;
  /** Where what stood there before was put; undefined when there was nothing. */
  readonly replaced: string | undefined;
  /** What a store names and does not hold. */
  readonly needs: Needs;
}

export interface Needs {
  /** Revisions with the digests of their artifacts. */
  readonly revisions: readonly { readonly name: string; readonly artifacts: readonly string[] }[];
  /** Secrets, whose key stands outside the store. */
  readonly secrets: number;
}

/**
 * Puts a backup in the place of a store that nobody has open. What was written after the backup is lost, and
 * others remember it, so three things jump ahead:
 *
 * - resourceVersions: every object gets a new one, past every version that the lost writes can have had (a
 *   million on, and past what the present file reached where it can be read). A cache that holds a younger
 *   state of an object takes the restored one for newer, as it must, and a compare-and-set against a lost
 *   state fails.
 * - history: emptied, so that every watch of before gets `gone` and lists again.
 * - epochs (`status.epoch` of each Track and Release): up by 1,000. Agents refuse orders of a lower epoch than
 *   they have seen (INV-12) and may have seen some that the backup does not know; without the jump they would
 *   refuse everything from here on.
 *
 * The present file is kept beside the new one. The new one appears whole or not at all.
 */
export function restoreSqlite(backupFile: string, targetFile: string, options: RestoreOptions): Restored {
  const [source, target] = [resolve(backupFile), resolve(targetFile)];
  requireBackup(source);
  const reached = headOfPresent(target);
  const partial = `${target}.restoring`;
  try {
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    removeDatabase(partial);
    copyFileSync(source, partial);
    const { resourceVersion, objects, needs } = prepare(partial, reached, options);
    const replaced = putAside(target, options.clock);
    renameSync(partial, target);
    syncDirectory(dirname(target));
    return { resourceVersion, objects, replaced, needs };
  } catch (error) {
    removeDatabase(partial);
    throw storageError(error, target, 'restored');
  }
}

function requireBackup(source: string): void {
  const refuse = (why: string, cause?: unknown) =>
    new SlipwayError('invalid', `${source} is no backup of a Slipway store: ${why}`, {
      next: 'name a file that `slipway backup` made',
      cause,
    });
  if (!existsSync(source)) throw refuse('there is no such file');
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(source, { readOnly: true });
    const id = Object.values(db.prepare('PRAGMA application_id').get() ?? {})[0];
    if (id !== APPLICATION_ID) throw refuse('it is a database of another program');
    const check = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
    if (check !== 'ok') throw refuse(`it is damaged (${String(check)})`);
  } catch (error) {
    throw error instanceof SlipwayError ? error : refuse(messageOf(error), error);
  } finally {
    db?.close();
  }
}

/** The version that the present store reached; 0 where there is none or it cannot be read any more. */
function headOfPresent(target: string): number {
  if (!existsSync(target)) return 0;
  try {
    // Opening it takes the lock, so a running store is refused; closing it empties its WAL.
    const db = openDatabase({ file: target });
    try {
      return new Tables(db).head();
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'refused') throw error;
    return 0;
  }
}

/** Migrates the copy and lets everything in it jump ahead; leaves one file without a WAL, synced. */
function prepare(file: string, reached: number, options: RestoreOptions) {
  const db = openDatabase({ file });
  try {
    migrate(db, { file, programVersion: options.programVersion });
    const base = Math.max(new Tables(db).head(), reached);
    let version = (Math.floor(base / VERSION_JUMP) + 2) * VERSION_JUMP;
    const rows = db.prepare('SELECT id, kind, rest, spec, status FROM objects ORDER BY version').all();
    const update = db.prepare('UPDATE objects SET version = ?, rest = ?, status = ? WHERE id = ?');
    db.exec('BEGIN IMMEDIATE; DELETE FROM history');
    for (const row of rows) {
      version += 1;
      const document = documentOfRow(row);
      const metadata = { ...document.rest.metadata, resourceVersion: String(version) };
      const [rest] = columnsOf({ ...document, rest: { ...document.rest, metadata } });
      update.run(version, rest, withLaterEpoch(String(row.kind), document.status) ?? null, Number(row.id));
    }
    writeMeta(db, 'head', String(version));
    db.prepare("DELETE FROM meta WHERE key IN ('historyHead', 'historyFrom')").run();
    db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
    return { resourceVersion: String(version), objects: rows.length, needs: needsOf(rows) };
  } finally {
    db.close();
    const handle = openSync(file, 'r');
    fsyncSync(handle);
    closeSync(handle);
  }
}

function needsOf(rows: readonly Record<string, SQLOutputValue>[]): Needs {
  const revisions = rows
    .filter(({ kind }) => kind === 'Revision')
    .map((row) => {
      const { rest, spec = '{}' } = documentOfRow(row);
      const { workloads = [] } = JSON.parse(spec) as { workloads?: readonly { artifact?: string }[] };
      const artifacts = workloads.flatMap(({ artifact }) => (artifact === undefined ? [] : [artifact]));
      return { name: rest.metadata.name, artifacts };
    });
  return { revisions, secrets: rows.filter(({ kind }) => kind === 'Secret').length };
}

function withLaterEpoch(kind: string, status: string | undefined): string | undefined {
  if (status === undefined || (kind !== 'Track' && kind !== 'Release')) return status;
  const parsed = JSON.parse(status) as { epoch?: unknown } | null;
  if (typeof parsed?.epoch !== 'number') return status;
  return JSON.stringify({ ...parsed, epoch: parsed.epoch + EPOCH_JUMP });
}

/** Moves the present file away; what SQLite would read together with the new one goes with it. */
function putAside(target: string, clock: Clock): string | undefined {
  if (!existsSync(target)) return undefined;
  const aside = `${target}.replaced-${clock.now()}`;
  for (const suffix of ['-wal', '-shm', '-journal']) {
    if (existsSync(target + suffix)) renameSync(target + suffix, aside + suffix);
  }
  renameSync(target, aside);
  return aside;
}

function removeDatabase(file: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(file + suffix, { force: true });
}
