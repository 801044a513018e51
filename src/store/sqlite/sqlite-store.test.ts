import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from 'vitest';
import { API_VERSION, type ApiObject } from '../../api/meta.ts';
import { systemClock } from '../../lib/clock.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import { systemRandom } from '../../lib/random.ts';
import { conformance } from '../conformance.ts';
import type { Store } from '../store.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';
import { EPOCH_JUMP, restoreSqlite } from './restore.ts';
import { openSqliteStore, type SqliteStoreOptions } from './sqlite-store.ts';

const directories: string[] = [];
const newFile = () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-sqlite-'));
  directories.push(directory);
  return join(directory, 'store', 'slipway.db');
};
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

const clock = systemClock();
const open = (file: string, more: Partial<SqliteStoreOptions> = {}) =>
  openSqliteStore({
    file,
    clock,
    random: systemRandom(),
    programVersion: '0.1.0',
    lockTimeoutMs: 0,
    ...more,
  });
const object = (kind: string, name: string, more: Partial<ApiObject> = {}): ApiObject => ({
  apiVersion: API_VERSION,
  kind,
  metadata: { name, namespace: 'default' },
  spec: { n: 0 },
  ...more,
});
const key = (kind: string, name: string) => ({ kind, namespace: 'default', name });
const code = (expected: ErrorCode, message = /./) =>
  expect.objectContaining({ code: expected, message: expect.stringMatching(message) });
const firstEvent = async (store: Store, kind: string, since: string) => {
  const watch = store.watch(kind, { since, signal: AbortSignal.timeout(5_000) });
  return (await watch[Symbol.asyncIterator]().next()).value;
};

describe('the SQLite store keeps the promises of the port', () => {
  test.each(conformance.map((c) => [c.name, c] as const))('%s', async (_name, { run }) => {
    const store = await open(newFile());
    await run(store);
    await store.close();
  });
});

describe('group commit', () => {
  test('a conflict inside a batch rejects that write alone, and later ones see the earlier', async () => {
    const store = await open(newFile());
    const a = await store.create(object('K', 'a'));
    const outcomes = await Promise.allSettled([
      store.update({ ...a, spec: { n: 1 } }),
      store.update({ ...a, spec: { n: 2 } }),
      store.create(object('K', 'a')),
      store.create(object('K', 'b')),
      store.create(object('K', 'b')),
      store.delete(key('K', 'b')),
      store.create(object('K', 'b', { spec: { n: 7 } })),
    ]);
    expect(outcomes.map((o) => (o.status === 'rejected' ? o.reason.code : 'done'))).toEqual([
      'done',
      'conflict',
      'alreadyExists',
      'done',
      'alreadyExists',
      'done',
      'done',
    ]);
    expect((await store.get(key('K', 'b')))?.spec).toEqual({ n: 7 });
    await store.close();
  });

  test('close makes durable what was asked for before it', async () => {
    const file = newFile();
    const store = await open(file);
    const writing = Array.from({ length: 600 }, (_, i) => store.create(object('K', `o${i}`)));
    await store.close();
    await Promise.all(writing);
    const again = await open(file);
    expect((await again.list('K')).items).toHaveLength(600);
    await again.close();
  });
});

describe('over a restart', () => {
  test('objects, versions and the place of watches stay', async () => {
    const file = newFile();
    const store = await open(file);
    const a = await store.create(object('K', 'a', { status: { s: 1 } }));
    const gone = await store.create(object('K', 'gone'));
    const b = await store.update({ ...a, metadata: { ...a.metadata, labels: { on: 'yes' } } });
    const last = await store.delete(key('K', 'gone'));
    await store.close();

    const again = await open(file);
    expect(await again.get(key('K', 'a'))).toEqual(b);
    expect(await again.currentVersion()).toBe(last?.metadata.resourceVersion);
    const labelled = again.watch('K', {
      since: gone.metadata.resourceVersion,
      labels: { on: 'yes' },
      signal: AbortSignal.timeout(5_000),
    });
    // ADDED, since it did not match before: what it was before is known over the restart.
    expect((await labelled[Symbol.asyncIterator]().next()).value).toEqual({ type: 'ADDED', object: b });
    const c = await again.create(object('K', 'c'));
    expect(Number(c.metadata.resourceVersion)).toBeGreaterThan(Number(last?.metadata.resourceVersion));
    await again.close();
  });

  test('the file is for its owner alone', async () => {
    const file = newFile();
    const store = await open(file);
    await store.create(object('K', 'a'));
    expect(statSync(file).mode & 0o077).toBe(0);
    expect(statSync(`${file}-wal`).mode & 0o077).toBe(0);
    expect(statSync(join(file, '..')).mode & 0o077).toBe(0);
    await store.close();
  });
});

describe('opening refuses', () => {
  test('a store that is open already', async () => {
    const file = newFile();
    const store = await open(file);
    await expect(open(file)).rejects.toEqual(code('refused', /in use by another process/));
    await store.create(object('K', 'a'));
    await store.close();
    await (await open(file)).close();
  });

  test('and waits for one that is just closing', async () => {
    const file = newFile();
    const store = await open(file);
    const second = open(file, { lockTimeoutMs: 10_000 });
    await store.close();
    await (await second).close();
  });

  test.each([
    ['a database of another program', (db: DatabaseSync) => db.exec('CREATE TABLE t (x)'), /another program/],
    [
      'one with another application id',
      (db: DatabaseSync) => db.exec('PRAGMA application_id=7; VACUUM'),
      /another/,
    ],
  ])('%s', async (_name, make, message) => {
    const file = newFile();
    await (await open(file)).close();
    rmSync(file);
    const db = new DatabaseSync(file);
    make(db);
    db.close();
    await expect(open(file)).rejects.toEqual(code('refused', message));
  });

  test('a file that is no database', async () => {
    const file = newFile();
    await (await open(file)).close();
    writeFileSync(file, 'x'.repeat(10_000));
    await expect(open(file)).rejects.toEqual(code('unavailable', /damaged/));
  });
});

describe('schema migrations', () => {
  const adding: Migration = {
    schema: 2,
    minReader: '0.1.0',
    sql: 'ALTER TABLE objects ADD COLUMN shade TEXT; CREATE TABLE more (x)',
  };
  const breaking: Migration = {
    schema: 3,
    minReader: '2.4.0',
    sql: 'CREATE TABLE meaning (x)',
  };

  test('a database of a newer program that only added is shared with it', async () => {
    const file = newFile();
    const newer = await open(file, { migrations: [...MIGRATIONS, adding], programVersion: '0.2.0' });
    const a = await newer.create(object('K', 'a'));
    await newer.close();
    const older = await open(file);
    const b = await older.update({ ...a, spec: { n: 1 } });
    await older.close();
    const again = await open(file, { migrations: [...MIGRATIONS, adding], programVersion: '0.2.0' });
    expect(await again.get(key('K', 'a'))).toEqual(b);
    await again.close();
  });

  test('one that needs a newer reader says which, and is left as it is', async () => {
    const file = newFile();
    const migrations = [...MIGRATIONS, adding, breaking];
    await (await open(file, { migrations, programVersion: '2.5.0' })).close();
    await expect(open(file)).rejects.toEqual(
      code('refused', /written by Slipway 2\.5\.0 and needs at least Slipway 2\.4\.0; this is 0\.1\.0/),
    );
    await (await open(file, { migrations, programVersion: '2.4.0' })).close();
  });

  test('an older database is brought up, keeping its objects', async () => {
    const file = newFile();
    const old = await open(file);
    const a = await old.create(object('K', 'a'));
    await old.close();
    const migrated = await open(file, { migrations: [...MIGRATIONS, adding], programVersion: '0.2.0' });
    expect(await migrated.get(key('K', 'a'))).toEqual(a);
    await migrated.close();
    const db = new DatabaseSync(file);
    expect(db.prepare("SELECT value FROM meta WHERE key = 'schema'").get()?.value).toBe('2');
    db.close();
  });

  test('a step that fails changes nothing', async () => {
    const file = newFile();
    await (await open(file)).close();
    const broken = { ...adding, sql: 'CREATE TABLE more (x); CREATE TABLE more (x)' };
    await expect(open(file, { migrations: [...MIGRATIONS, broken] })).rejects.toEqual(code('unavailable'));
    const db = new DatabaseSync(file);
    expect(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'more'").get()).toBeUndefined();
    db.close();
  });
});

describe('backup and restore', () => {
  test('a backup under writes is one state, in one file of the owner', async () => {
    const file = newFile();
    const store = await open(file);
    const pad = 'x'.repeat(5_000);
    for (let i = 0; i < 400; i++) await store.create(object('K', `o${i}`, { spec: { pad } }));
    const copy = `${file}.backup`;
    let writing = true;
    const writer = (async () => {
      // Two objects that are always changed one after the other: a torn copy would have the second ahead.
      let [a, b] = [await store.create(object('P', 'a')), await store.create(object('P', 'b'))];
      for (let n = 1; writing; n++) {
        a = await store.update({ ...a, spec: { n } });
        b = await store.update({ ...b, spec: { n } });
      }
    })();
    const { bytes, resourceVersion } = await store.backup(copy);
    writing = false;
    await writer;
    await store.close();
    expect(bytes).toBe(statSync(copy).size);
    expect(statSync(copy).mode & 0o077).toBe(0);
    expect(existsSync(`${copy}-wal`)).toBe(false);

    const restored = newFile();
    restoreSqlite(copy, restored, { clock, programVersion: '0.1.0' });
    const again = await open(restored);
    expect((await again.list('K')).items).toHaveLength(400);
    const pair = (await again.list<ApiObject & { spec: { n: number } }>('P')).items.map((o) => o.spec.n);
    if (pair.length === 2) expect([0, 1]).toContain((pair[0] ?? 0) - (pair[1] ?? 0));
    expect(Number(resourceVersion)).toBeGreaterThanOrEqual(400);
    await again.close();
  });

  test('a restore lets versions and epochs jump ahead and ends the watches of before', async () => {
    const file = newFile();
    const store = await open(file);
    const release = await store.create(
      object('Release', 'r', { status: { epoch: 3, phase: 'Progressing' } }),
    );
    const track = await store.create(object('Track', 't', { status: { epoch: 0, later: 'kept' } }));
    const other = await store.create(object('Execution', 'e', { status: { epoch: 3 } }));
    const copy = `${file}.backup`;
    await store.backup(copy);
    const lost = await store.update({ ...other, spec: { n: 1 } });
    await store.close();

    const outcome = restoreSqlite(copy, file, { clock, programVersion: '0.1.0' });
    expect(outcome.objects).toBe(3);
    expect(existsSync(outcome.replaced ?? '')).toBe(true);
    const again = await open(file);
    const epochOf = async (kind: string, name: string) =>
      (await again.get<ApiObject & { status: { epoch: number } }>(key(kind, name)))?.status.epoch;
    expect(await epochOf('Release', 'r')).toBe(3 + EPOCH_JUMP);
    expect(await epochOf('Track', 't')).toBe(EPOCH_JUMP);
    expect(await epochOf('Execution', 'e')).toBe(3);
    expect((await again.get(key('Track', 't')))?.status).toEqual({ epoch: EPOCH_JUMP, later: 'kept' });
    for (const { metadata } of (await again.list('Release')).items) {
      expect(Number(metadata.resourceVersion)).toBeGreaterThan(1_000_000);
      expect(metadata.uid).toBe(release.metadata.uid);
    }
    await expect(again.update(lost)).rejects.toEqual(code('conflict'));
    await expect(firstEvent(again, 'Track', track.metadata.resourceVersion)).rejects.toEqual(code('gone'));
    const next = await again.create(object('K', 'n'));
    expect(Number(next.metadata.resourceVersion)).toBeGreaterThan(Number(outcome.resourceVersion));
    await again.close();
  });

  test('a second restore of one backup jumps past what the first one reached', async () => {
    const file = newFile();
    const store = await open(file);
    await store.create(object('K', 'a'));
    const copy = `${file}.backup`;
    await store.backup(copy);
    await store.close();
    const first = restoreSqlite(copy, file, { clock, programVersion: '0.1.0' });
    const second = restoreSqlite(copy, file, { clock, programVersion: '0.1.0' });
    expect(Number(second.resourceVersion)).toBeGreaterThan(Number(first.resourceVersion) + 999_999);
  });

  test('a restore over a damaged store works, over a running one is refused', async () => {
    const file = newFile();
    const store = await open(file);
    await store.create(object('K', 'a'));
    const copy = `${file}.backup`;
    await store.backup(copy);
    expect(() => restoreSqlite(copy, file, { clock, programVersion: '0.1.0' })).toThrow(
      /in use by another process/,
    );
    await expect(store.backup(file)).rejects.toEqual(code('invalid', /the store itself/));
    await store.close();
    writeFileSync(file, 'x'.repeat(10_000));
    writeFileSync(`${file}-wal`, 'y'.repeat(10_000));
    restoreSqlite(copy, file, { clock, programVersion: '0.1.0' });
    const again = await open(file);
    expect((await again.list('K')).items).toHaveLength(1);
    await again.close();
  });

  test('what is no backup is refused and the store stays', async () => {
    const file = newFile();
    const store = await open(file);
    await store.create(object('K', 'a'));
    await store.close();
    const odd = join(file, '..', 'odd');
    writeFileSync(odd, 'nothing');
    for (const source of [odd, `${odd}.missing`]) {
      expect(() => restoreSqlite(source, file, { clock, programVersion: '0.1.0' })).toThrow(/is no backup/);
    }
    const again = await open(file);
    expect((await again.list('K')).items).toHaveLength(1);
    await again.close();
  });
});
