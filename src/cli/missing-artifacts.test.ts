import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { missingArtifacts } from './missing-artifacts.ts';

const HERE = `sha256:${'a'.repeat(64)}`;
const AWAY = `sha256:${'b'.repeat(64)}`;
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-artifacts-'));
  mkdirSync(join(directory, 'sha256'));
  writeFileSync(join(directory, 'sha256', 'a'.repeat(64)), '');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const many = Array.from({ length: 12 }, (_, n) => ({ name: `r${n}`, artifacts: [AWAY] }));
it.each([
  ['all are there', [{ name: 'r1', artifacts: [HERE] }], null],
  ['a revision without any', [{ name: 'r1', artifacts: [] }], null],
  ['one of two is away', [{ name: 'r1', artifacts: [HERE, AWAY] }], '1 revision cannot start anew'],
  ['many', many, ': r0, r1, r2, r3, r4, r5, r6, r7 and 4 more.'],
])('%s', (_, revisions, words) => {
  const said = missingArtifacts(revisions, directory);
  if (words === null) expect(said).toBeNull();
  else expect(said).toContain(words);
});
