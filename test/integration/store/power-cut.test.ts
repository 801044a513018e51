import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { MaintainableStore } from '../../../src/store/store.ts';
import { type Acknowledged, WRITER, WriterProcess } from './child.ts';
import { openStore } from './kill-run.ts';
import { whyWrong } from './model.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { type Call, readTrace, traced } from './strace-trace.ts';

const directory = mkdtempSync(join(tmpdir(), 'slipway-power-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
/** ptrace may be forbidden although strace is there. */
const straceWorks = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

interface Cut {
  readonly acknowledged: Acknowledged;
  readonly image: Map<string, Buffer>;
}

/** One disk that writers use one after the other under strace, cut at some of their acknowledgements. */
class Recording {
  readonly cuts: Cut[] = [];
  readonly acknowledged: Acknowledged = new Map();
  refused = 0;
  syncs = 0;
  failedSyncs = 0;
  readonly #place: string;
  readonly #disk: SimulatedDisk;
  #runs = 0;
  #acks = 0;

  constructor(name: string) {
    this.#place = join(directory, name);
    mkdirSync(this.#place);
    this.#disk = new SimulatedDisk(this.#place);
  }

  /** Cuts at each `sample`-th acknowledgement, both ways. Answers the last line that the writer said. */
  async run(args: readonly string[], sample: number, inject?: string): Promise<string | undefined> {
    this.#runs += 1;
    const trace = `${this.#place}-${this.#runs}.trace`;
    const command = [process.execPath, WRITER, join(this.#place, 'slipway.db'), ...args];
    const child = new WriterProcess(traced(trace, command, inject));
    await child.ended();
    for await (const call of readTrace(trace, this.#place))
      this.#follow(call, args.includes('--fresh'), sample);
    this.#cut();
    return child.lines.at(-1);
  }

  #follow(call: Call, fresh: boolean, sample: number): void {
    if (call.type === 'open') this.#disk.open(call.path, call);
    else if (call.type === 'write') this.#disk.write(call.path, call.at, call.data);
    else if (call.type === 'truncate') this.#disk.truncate(call.path, call.size);
    else if (call.type === 'unlink') this.#disk.unlink(call.path);
    else if (call.type === 'sync') {
      this.#disk.sync(call.path, call.succeeded);
      this.syncs += 1;
      if (!call.succeeded) this.failedSyncs += 1;
    } else this.#heard(call.text, fresh, sample);
  }

  #heard(text: string, fresh: boolean, sample: number): void {
    const [word, writer = '', n, version] = text.trim().split(' ');
    if (word === 'refused') this.refused += 1;
    if (word !== 'ack') return;
    this.acknowledged.set(fresh ? `${writer}-${n}` : writer, { n: Number(n), version: Number(version) });
    this.#acks += 1;
    if (this.#acks % sample !== 0) return;
    this.#cut();
    this.#cut(() => Math.random() < 0.5);
  }

  #cut(kept?: (index: number) => boolean): void {
    this.cuts.push({ acknowledged: new Map(this.acknowledged), image: this.#disk.cut(kept) });
  }
}

/** Of writes that made an object each: those that are not there. */
async function missing(store: MaintainableStore, acknowledged: Acknowledged): Promise<string | undefined> {
  const { items } = await store.list('Application', { namespace: 'crash' });
  const there = new Set(items.map((item) => item.metadata.name));
  const lost = [...acknowledged.keys()].filter((name) => !there.has(name));
  return lost.length === 0 ? undefined : `lost ${lost.join(' ')}`;
}

/** Opens the store that a cut left and looks; what is wrong, or undefined. */
async function look(
  image: Map<string, Buffer>,
  check: (store: MaintainableStore) => Promise<string | undefined>,
) {
  const place = mkdtempSync(join(directory, 'cut-'));
  for (const [name, bytes] of image) writeFileSync(join(place, name), bytes);
  try {
    const store = await openStore(join(place, 'slipway.db'));
    try {
      return await check(store);
    } finally {
      await store.close();
    }
  } catch (error) {
    return `it does not open: ${String(error)}`;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

if (!straceWorks) console.log('skipped: power-cut trace of the store (strace is missing or may not trace)');

describe.skipIf(!straceWorks)('a power cut', () => {
  test('at any acknowledgement leaves every acknowledged write', async () => {
    const recording = new Recording('full');
    expect(await recording.run(['w', '3', '250'], 40)).toBe('end');
    expect([...recording.acknowledged.values()].map(({ n }) => n)).toEqual([250, 250, 250]);
    expect(recording.syncs).toBeGreaterThan(250);
    for (const { image, acknowledged } of recording.cuts) {
      expect(await look(image, (store) => whyWrong(store, acknowledged))).toBeUndefined();
    }
    expect(recording.cuts.length).toBeGreaterThan(30);
  });

  test('without syncs loses acknowledged writes: the look would see it', async () => {
    const recording = new Recording('off');
    expect(await recording.run(['w', '3', '250', '--no-sync'], 100)).toBe('end');
    let lost = 0;
    for (const { image, acknowledged } of recording.cuts) {
      if ((await look(image, (store) => whyWrong(store, acknowledged))) !== undefined) lost += 1;
    }
    expect(lost).toBeGreaterThan(0);
  });

  test('after a sync that failed, and whose bytes are gone for good, leaves what was acknowledged', async () => {
    const recording = new Recording('failing');
    // A commit early on; then the store closes, opens, and is verified a second later.
    expect(await recording.run(['w', '2', '60', '--fresh'], 8, 'fsync:error=EIO:when=14..14')).toBe('end');
    expect(recording.failedSyncs).toBe(1);
    expect(recording.refused).toBeGreaterThan(1);
    expect(recording.acknowledged.size).toBeGreaterThan(40);
    for (const { image, acknowledged } of recording.cuts) {
      expect(await look(image, (store) => missing(store, acknowledged))).toBeUndefined();
    }
  });

  test('after one of which the process died leaves what its successor acknowledged', async () => {
    const recording = new Recording('dying');
    const inject = 'fsync:error=EIO:signal=SIGKILL:when=14..14';
    expect(await recording.run(['w', '2', '60', '--fresh'], 100, inject)).toMatch(/^ack/);
    expect(recording.failedSyncs).toBe(1);
    expect(await recording.run(['x', '2', '30', '--fresh'], 8)).toBe('end');
    expect(recording.acknowledged.size).toBeGreaterThan(60);
    for (const { image, acknowledged } of recording.cuts) {
      expect(await look(image, (store) => missing(store, acknowledged))).toBeUndefined();
    }
  });
});
