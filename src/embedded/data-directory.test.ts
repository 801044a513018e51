import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cannotWrite, dataDirectory, makeDirectories } from './data-directory.ts';

let work = '';
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'slipway-data-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('dataDirectory', () => {
  it('lets applications pass through to their own files and keeps the rest closed', () => {
    const data = dataDirectory(join(work, 'd'));
    makeDirectories(data);
    makeDirectories(data);
    expect([data.root, data.agent].map(modeOf)).toEqual(['711', '711']);
    expect([data.keys, data.store, data.run, data.artifacts, data.logs].map(modeOf)).toEqual(
      Array(5).fill('700'),
    );
  });

  it('refuses a path under which no socket fits', () => {
    expect(() => dataDirectory(`/tmp/${'x'.repeat(90)}`)).toThrow(/too long for its sockets/);
    expect(() => dataDirectory(`/tmp/${'x'.repeat(70)}`)).not.toThrow();
  });

  it('says that the place is a file', () => {
    writeFileSync(join(work, 'file'), '');
    expect(() => makeDirectories(dataDirectory(join(work, 'file')))).toThrow(/is a file and no directory/);
    expect(() => makeDirectories(dataDirectory(join(work, 'file/below')))).toThrow(
      /is a file and no directory/,
    );
  });

  it('makes every directory above it', () => {
    const data = dataDirectory(join(work, 'a/b/c'));
    makeDirectories(data);
    expect(modeOf(data.root)).toBe('711');
  });

  // Node's own recursive mkdir would never return from here.
  it.runIf(process.platform === 'linux')('gives up where the file system takes no directory', () =>
    expect(() => makeDirectories(dataDirectory('/proc/slipway'))).toThrow(
      /No directory can be made at \/proc\/slipway/,
    ),
  );

  const causes: ReadonlyArray<[code: string, says: RegExp]> = [
    ['ENOSPC', /disk that holds \/data is full/],
    ['EDQUOT', /quota/],
    ['EACCES', /may not write in \/data/],
    ['EPERM', /belongs to another user/],
    ['EROFS', /read-only/],
    ['EIO', /cannot write in \/data: it broke/],
  ];
  it.each(causes)('has words and a next step for %s', (code, says) => {
    const error = cannotWrite('/data', Object.assign(new Error('it broke'), { code }));
    expect(error.message).toMatch(says);
    expect(error.next).toBeTruthy();
  });
});
