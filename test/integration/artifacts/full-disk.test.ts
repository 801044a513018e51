import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { directoryArtifactStore } from '../../../src/artifacts/directory-artifact-store.ts';
import { packDirectory } from '../../../src/artifacts/pack-directory.ts';
import { unpackArchive } from '../../../src/artifacts/unpack-archive.ts';
import { nodeFiles } from '../../../src/lib/files-node.ts';

const directory = mkdtempSync(join(tmpdir(), 'slipway-full-'));
const small = join(directory, 'small');
mkdirSync(small);
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]).status === 0;
afterAll(() => {
  if (mounted) spawnSync('umount', [small]);
  rmSync(directory, { recursive: true, force: true });
});
if (!mounted) console.log('skipped: files on a full file system (mounting one needs root)');

const MIB = Buffer.alloc(1_048_576, 'x');

describe.skipIf(!mounted)('on a full file system', () => {
  beforeEach(() => {
    for (const name of readdirSync(small)) rmSync(join(small, name), { recursive: true });
  });

  test('an artifact that does not fit says so and leaves nothing', async () => {
    const store = directoryArtifactStore({ root: small });
    const put = store.put(Readable.from([MIB]), { maxBytes: MIB.length });
    await expect(put).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/full/) });
    expect(await store.list()).toEqual([]);
    expect(readdirSync(join(small, 'incoming'))).toEqual([]);
    expect(await store.put(Readable.from([MIB.subarray(0, 1_000)]), { maxBytes: 1_000 })).toMatchObject({
      existed: false,
    });
  });

  test('an archive that does not fit is not half there, packed or unpacked', async () => {
    const source = join(directory, 'source');
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, 'large'), MIB);
    await expect(packDirectory(source, join(small, 'a.tgz'))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(readdirSync(small)).toEqual([]);

    const packed = join(directory, 'a.tgz');
    await packDirectory(source, packed);
    const unpacking = unpackArchive(Readable.from([readFileSync(packed)]), join(small, 'place'));
    await expect(unpacking).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/full/),
    });
    expect(readdirSync(small)).toEqual([]);
  });

  test('a file keeps what it had, and a journal its last whole line', async () => {
    const files = nodeFiles();
    const [file, journal] = [join(small, 'file'), join(small, 'journal')];
    await files.writeAtomic(file, 'before');
    await expect(files.writeAtomic(file, MIB)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(readFileSync(file, 'utf8')).toBe('before');
    await files.append(journal, 'one\n');
    await expect(files.append(journal, `${String(MIB)}\n`)).rejects.toMatchObject({ code: 'ENOSPC' });
    await files.append(journal, 'two\n');
    expect(readFileSync(journal, 'utf8')).toBe('one\ntwo\n');
    expect(readdirSync(small).sort()).toEqual(['file', 'journal']);
  });
});
