import { execFile } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { API_VERSION, type ApiObject, type Stored } from '../../src/api/meta.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { median, type Row, rounded } from '../row.ts';

const BYTES = 2_048;
/** Writers that wait at the same time, each on an object of its own. */
const TOGETHER = 100;

/**
 * P6: durable compare-and-set of a 2 KiB object, against what a disk can do at all (overwrite 2 KiB in place
 * and fdatasync), one by one and many at once, in turns; and a short crash campaign.
 */
export async function storeRows(options: { readonly short: boolean }): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-bench-store-'));
  try {
    const rounds = options.short ? 3 : 9;
    const figures = await measure(directory, rounds, options.short ? 200 : 500);
    return [...throughputRows(figures), await killRow(options.short ? 10 : 40)];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Per second, one figure a round. */
interface Figures {
  readonly floor: number[];
  readonly bare: number[];
  readonly single: number[];
  readonly group: number[];
}

async function measure(directory: string, rounds: number, writes: number): Promise<Figures> {
  const store = await openSqliteStore({
    file: join(directory, 'store', 'slipway.db'),
    clock: systemClock(),
    random: systemRandom(),
    programVersion: '0.1.0',
  });
  const floor = openSync(join(directory, 'floor'), 'w');
  const bare = bareSqlite(join(directory, 'bare.db'));
  let objects = await Promise.all(
    Array.from({ length: TOGETHER }, (_, i) => store.create(objectOf(`bench-${i}`))),
  );
  const figures: Figures = { floor: [], bare: [], single: [], group: [] };
  const padded = Buffer.alloc(BYTES, 'x');
  let n = 0;
  try {
    // The first round warms up and is not counted.
    for (let round = -1; round < rounds; round++) {
      const count = (name: keyof Figures, perSecond: number) => {
        if (round >= 0) figures[name].push(perSecond);
      };
      count(
        'floor',
        await perSecond(writes, () => {
          writeSync(floor, padded, 0, BYTES, 0);
          fdatasyncSync(floor);
        }),
      );
      count('bare', await perSecond(writes, (i) => bare.write(i % TOGETHER)));
      let one = objects[0] as Stored;
      count(
        'single',
        await perSecond(writes, async () => {
          one = await store.update(changed(one, ++n));
        }),
      );
      objects = [one, ...objects.slice(1)];
      const batches = Math.ceil((4 * writes) / TOGETHER);
      count(
        'group',
        TOGETHER *
          (await perSecond(batches, async () => {
            objects = await together(store, objects, ++n);
          })),
      );
    }
  } finally {
    bare.close();
    closeSync(floor);
    await store.close();
  }
  return figures;
}

const together = (store: Store, objects: readonly Stored[], n: number): Promise<Stored[]> =>
  Promise.all(objects.map((object) => store.update(changed(object, n))));

async function perSecond(times: number, work: (i: number) => unknown): Promise<number> {
  const began = performance.now();
  for (let i = 0; i < times; i++) await work(i);
  return (times * 1_000) / (performance.now() - began);
}

const objectOf = (name: string): ApiObject => ({
  apiVersion: API_VERSION,
  kind: 'Application',
  metadata: { name, namespace: 'bench' },
  spec: { n: 0, pad: 'x'.repeat(BYTES - 330) },
});
const changed = (object: Stored, n: number): Stored => ({
  ...object,
  spec: { ...(object.spec as object), n },
});

/** The peer: the same engine and pragmas with a bare row of the same size, as fast as node:sqlite goes. */
function bareSqlite(file: string) {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
  db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, version INTEGER, body TEXT)');
  const insert = db.prepare('INSERT INTO rows VALUES (?, 0, ?)');
  for (let i = 0; i < TOGETHER; i++) insert.run(i, 'x'.repeat(BYTES));
  const update = db.prepare('UPDATE rows SET version = version + 1, body = ? WHERE id = ?');
  return { write: (id: number) => update.run('y'.repeat(BYTES), id), close: () => db.close() };
}

function throughputRows({ floor, bare, single, group }: Figures): Row[] {
  const over = (a: readonly number[], b: readonly number[]) =>
    median(a.map((value, i) => value / (b[i] ?? Number.NaN)));
  const [ratio, gain, ofBare] = [over(single, floor), over(group, single), over(bare, floor)];
  const speed = (values: readonly number[]) => `${Math.round(median(values)).toLocaleString('en')}/s`;
  return [
    {
      row: 'P6 durable compare-and-set, one by one',
      value: rounded(ratio),
      unit: 'x floor',
      goal: '>= 0.5',
      peer: `bare node:sqlite ${rounded(ofBare)} x floor (${speed(bare)})`,
      floor: `overwrite 2 KiB + fdatasync ${speed(floor)}`,
      ok: ratio >= 0.5,
      note: speed(single),
    },
    {
      row: `P6 group commit, ${TOGETHER} writers at once`,
      value: rounded(gain),
      unit: 'x one by one',
      goal: '>= 5',
      peer: null,
      floor: null,
      ok: gain >= 5,
      note: `${speed(group)}; the slower the disk's sync, the higher (here ${rounded(1e6 / median(floor), 0)} µs)`,
    },
  ];
}

async function killRow(kills: number): Promise<Row> {
  const campaign = fileURLToPath(new URL('../../test/integration/store/campaign.ts', import.meta.url));
  const command = [campaign, '--kills', String(kills), '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, command).catch(
    (error: { stdout?: string }) => {
      // It ends with 1 when it lost something: then too its figures are what we want.
      if (error.stdout?.startsWith('{')) return { stdout: error.stdout };
      throw error;
    },
  );
  const outcome = JSON.parse(stdout) as { kills: number; acknowledged: number; lost: number };
  return {
    row: 'P6 kill -9 while eight write',
    value: outcome.lost,
    unit: 'kills that lost something acknowledged',
    goal: '0',
    peer: null,
    floor: null,
    ok: outcome.lost === 0,
    note: `${outcome.kills} kills, ${outcome.acknowledged.toLocaleString('en')} acknowledged writes`,
  };
}
