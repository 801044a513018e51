import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pruneForgotten } from './ended-directories.ts';

const NOW = 1_000_000_000;
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'slipway-ended-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
const directory = (name: string, ageMs: number): void => {
  mkdirSync(join(root, name));
  utimesSync(join(root, name), (NOW - ageMs) / 1_000, (NOW - ageMs) / 1_000);
};

it('keeps the newest of what is forgotten, none for longer than it says, and all that has a workload', async () => {
  directory('shop-r1-aaaaa', 10_000);
  directory('shop-r1-bbbbb', 20_000);
  directory('shop-r1-ccccc', 30_000);
  directory('shop-r1-ddddd', 60_001);
  directory('shop-r2-aaaaa', 90_000);
  directory('gone-r1-alive', 90_000);
  const prune = (keep: number) =>
    pruneForgotten(root, {
      versions: new Set(['shop-r2']),
      isThere: (id) => id === 'gone-r1-alive',
      keptMs: 60_000,
      now: NOW,
      keep,
    });
  await prune(10);
  const used = ['gone-r1-alive', 'shop-r2-aaaaa'];
  expect(readdirSync(root).sort()).toEqual(
    [...used, 'shop-r1-aaaaa', 'shop-r1-bbbbb', 'shop-r1-ccccc'].sort(),
  );
  await prune(1);
  expect(readdirSync(root).sort()).toEqual([...used, 'shop-r1-aaaaa'].sort());
});
