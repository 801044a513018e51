import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesConformance } from './files-conformance.ts';
import { nodeFiles } from './files-node.ts';

let directory: string;
const files = nodeFiles();
const at = (name: string) => join(directory, name);
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-files-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('nodeFiles', () => {
  it.each(filesConformance)('$name', ({ run }) => run({ files, root: directory, again: nodeFiles }));

  it('replaces whole files with exactly the mode asked for, and leaves nothing beside them', async () => {
    await files.writeAtomic(at('key'), 'one', { mode: 0o644 });
    await files.writeAtomic(at('key'), Buffer.from('two'), { mode: 0o600 });
    expect((await files.read(at('key')))?.toString()).toBe('two');
    expect(await modeOf(at('key'))).toBe(0o600);
    expect(await readdir(directory)).toEqual(['key']);
  });

  it('shows either the old or the new content to readers meanwhile', async () => {
    const [a, b] = ['a'.repeat(100_000), 'b'.repeat(100_000)];
    await files.writeAtomic(at('file'), a);
    const writing = Promise.all(
      Array.from({ length: 20 }, (_, i) => files.writeAtomic(at('file'), i % 2 === 0 ? b : a)),
    );
    for (let i = 0; i < 50; i++) expect([a, b]).toContain((await files.read(at('file')))?.toString());
    await writing;
  });

  it('keeps the code of an error, and removes what was begun', async () => {
    await expect(files.writeAtomic(at('no/such/file'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
    await files.makeDirectory(at('taken'));
    await expect(files.writeAtomic(at('taken'), 'x')).rejects.toMatchObject({
      code: expect.stringMatching(/EISDIR|EEXIST|ENOTEMPTY/),
    });
    expect(await readdir(directory)).toEqual(['taken']);
  });

  it('appends, removes and makes directories', async () => {
    await files.append(at('log'), 'one\n');
    await files.append(at('log'), 'two\n');
    expect((await files.read(at('log')))?.toString()).toBe('one\ntwo\n');
    await files.makeDirectory(at('deep/er'), { mode: 0o700 });
    expect(await modeOf(at('deep/er'))).toBe(0o700);
    await files.remove(at('deep'));
    expect(await readdir(directory)).toEqual(['log']);
  });
});
