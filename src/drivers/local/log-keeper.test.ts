import { appendFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rotate } from './log-keeper.ts';

let directory: string;
let log: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-log-'));
  log = join(directory, 'log');
});
afterEach(() => rm(directory, { recursive: true }));

const limits = (logFiles: number) => ({
  logBytes: 100,
  logFiles,
  concurrentStarts: 1,
  quarantineMs: 0,
  endedKept: 0,
  forgottenKept: 0,
  forgottenMs: 0,
});
const content = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');

describe('rotate', () => {
  it('keeps so many, the newest first, and none more', async () => {
    for (const text of ['one', 'two', 'three', 'four']) {
      await writeFile(log, text);
      await rotate(log, text.length, limits(3));
    }
    expect((await readdir(directory)).toSorted()).toEqual(['log', 'log.1', 'log.2', 'log.3']);
    expect(await Promise.all(['log', 'log.1', 'log.2', 'log.3'].map(content))).toEqual([
      '',
      'four',
      'three',
      'two',
    ]);
  });

  it('keeps the end alone of what came too fast', async () => {
    await writeFile(log, `${'a'.repeat(900)}${'b'.repeat(100)}`);
    await rotate(log, 1_000, limits(1));
    expect(await content('log.1')).toBe('b'.repeat(100));
  });

  it('loses no line that comes while it copies', async () => {
    const line = (n: number): string => `line ${n}\n`;
    let n = 0;
    await writeFile(log, '');
    const writing = setInterval(() => {
      for (let i = 0; i < 20; i += 1) appendFileSync(log, line(n++));
    }, 0);
    let all = '';
    for (let round = 0; round < 30; round += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      await rotate(log, (await readFile(log)).length, { ...limits(1), logBytes: 1e9 });
      all += await content('log.1');
    }
    clearInterval(writing);
    all += await content('log');
    expect(all).toBe(Array.from({ length: n }, (_, i) => line(i)).join(''));
  });
});
