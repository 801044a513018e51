import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { systemRandom } from '../../lib/random.ts';
import { conformance } from '../conformance.ts';
import { openSqliteStore } from './sqlite-store.ts';

const directories: string[] = [];
const directory = () => {
  const made = mkdtempSync(join(tmpdir(), 'slipway-sqlite-'));
  directories.push(made);
  return made;
};
afterEach(() => {
  for (const made of directories.splice(0)) rmSync(made, { recursive: true, force: true });
});
const open = (file: string, more = {}) =>
  openSqliteStore({ file, clock: systemClock(), random: systemRandom(), programVersion: '0.1.0', ...more });

describe('the SQLite store keeps the promises of the port', () => {
  test.each(conformance.map((c) => [c.name, c] as const))('%s', async (_name, { run }) => {
    const store = await open(join(directory(), 'slipway.db'));
    await run(store);
    await store.close();
  });
});
