import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WRITER, WriterProcess } from './child.ts';
import { openStore } from './kill-run.ts';

const directory = mkdtempSync(join(tmpdir(), 'slipway-faults-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Every write that the writer said was acknowledged is there; answers how many they are. */
async function expectNothingLost(file: string, child: WriterProcess): Promise<number> {
  const acknowledged = child.lines
    .map((line) => line.split(' '))
    .filter(([word]) => word === 'ack')
    .map(([, writer, n]) => `${writer}-${n}`);
  const store = await openStore(file);
  const { items } = await store.list('Application', { namespace: 'crash' });
  const there = new Set(items.map((item) => item.metadata.name));
  await store.close();
  expect(acknowledged.filter((name) => !there.has(name))).toEqual([]);
  return acknowledged.length;
}

const gccWorks = spawnSync('gcc', ['--version']).status === 0 && process.platform === 'linux';
if (!gccWorks) console.log('skipped: injected fsync failures (no gcc, or not Linux)');

describe.skipIf(!gccWorks)('a disk that fails under the store', () => {
  const library = join(directory, 'faulty-disk.so');
  beforeAll(() => {
    const source = fileURLToPath(new URL('./faulty-disk.c', import.meta.url));
    const built = spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], {
      encoding: 'utf8',
    });
    expect(built.status, built.stderr).toBe(0);
  });

  test.each([
    ['whose syncs fail', 's', /could not be written: the disk reported an error/],
    ['that is full', 'f', /could not be written: (the disk is full|the disk reported an error)/],
  ])(
    '%s: writes are refused until it works again, reads go on, nothing is lost',
    async (name, fault, message) => {
      const place = join(directory, fault);
      mkdirSync(place);
      const file = join(place, 'slipway.db');
      const control = join(directory, `control-${fault}`);
      const child = new WriterProcess([process.execPath, WRITER, file, 'w', '2', '--fresh'], {
        LD_PRELOAD: library,
        SLIPWAY_FAULT: control,
      });
      const acks = () => child.count('ack');
      await child.until('writes are acknowledged', () => acks() > 20);

      writeFileSync(`${control}.new`, fault);
      renameSync(`${control}.new`, control);
      await child.until('a write is refused', () => child.count('refused') > 0);
      const until = acks();
      const first = child.lines.findIndex((line) => line.startsWith('refused'));
      // Long enough for several tries to verify the disk, one a second.
      await child.until('more are refused', () => child.count('refused') > 60);
      expect(acks(), 'acknowledged while the disk failed').toBe(until);
      for (const line of child.lines.filter((each) => each.startsWith('refused'))) {
        expect(line).toMatch(/^refused \d+ unavailable /);
        expect(line).toMatch(message);
      }
      expect(child.lines.slice(first).some((line) => line.includes('no writes are taken since'))).toBe(true);
      expect(child.lines, name).toContain('read 1');
      expect(child.lines).not.toContain('read refused');

      rmSync(control);
      await child.until('writes are acknowledged again', () => acks() > until + 20);
      await child.kill();
      expect(await expectNothingLost(file, child)).toBeGreaterThan(until + 20);
    },
  );
});

/** A file system of its own that is really full; only root can make one. */
const small = join(directory, 'small');
mkdirSync(small);
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', small]).status === 0;
afterAll(() => {
  if (mounted) spawnSync('umount', [small]);
});
if (!mounted) console.log('skipped: a full file system under the store (mounting one needs root)');

describe.skipIf(!mounted)('a full file system', () => {
  test('refuses with what to do, keeps what was acknowledged, and goes on when there is room', async () => {
    const file = join(small, 'slipway.db');
    const ballast = join(small, 'ballast');
    writeFileSync(ballast, Buffer.alloc(600_000));
    const child = new WriterProcess([process.execPath, WRITER, file, 'w', '2', '--fresh']);
    await child.until('the disk is full', () => child.count('refused') > 30);
    const until = child.count('ack');
    expect(until).toBeGreaterThan(20);
    expect(child.lines.find((line) => line.startsWith('refused'))).toMatch(/unavailable .*the disk is full/);
    rmSync(ballast);
    await child.until('there is room again', () => child.count('ack') > until + 20);
    await child.kill();
    await expectNothingLost(file, child);
  });
});
