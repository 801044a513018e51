import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readUntrusted } from './untrusted-file.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-untrusted-'));
  file = join(directory, 'file');
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a file that another user may have put there', () => {
  it('is read where it is small and plain', async () => {
    writeFileSync(file, 'hello');
    expect(await readUntrusted(file, 10)).toBe('hello');
  });
  it.each<[string, () => void, RegExp | { code: string }]>([
    ['a pipe, which would block its reader', () => execFileSync('mkfifo', [file]), /no plain file/],
    ['a link', () => symlinkSync('/etc/passwd', file), { code: 'ELOOP' }],
    ['too much', () => writeFileSync(file, 'x'.repeat(11)), /more than 10/],
    ['nothing', () => undefined, { code: 'ENOENT' }],
  ])('is refused where it is %s', async (_name, make, error) => {
    make();
    const reading = readUntrusted(file, 10);
    if (error instanceof RegExp) await expect(reading).rejects.toThrow(error);
    else await expect(reading).rejects.toMatchObject(error);
  });
});
