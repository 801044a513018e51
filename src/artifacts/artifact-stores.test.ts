import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { directoryArtifactStore } from './directory-artifact-store.ts';

const directories: string[] = [];
const newDirectory = () => {
  const made = mkdtempSync(join(tmpdir(), 'slipway-artifacts-'));
  directories.push(made);
  return made;
};
afterEach(() => {
  for (const made of directories.splice(0)) rmSync(made, { recursive: true, force: true });
});
/** SHA-256 of "abc" (FIPS 180-4 example). */
const ABC = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const text = (value: string) => Readable.from([Buffer.from(value)]);

describe('the directory store', () => {
  test('keeps content under its digest, once', async () => {
    const root = newDirectory();
    const store = directoryArtifactStore({ root });
    expect(await store.has(ABC)).toBe(false);
    expect(await store.open(ABC)).toBeUndefined();
    expect(await store.list()).toEqual([]);
    expect(await store.put(text('abc'), { maxBytes: 3 })).toEqual({ digest: ABC, size: 3, existed: false });
    const again = { maxBytes: 3, expectedDigest: ABC };
    expect(await store.put(text('abc'), again)).toEqual({ digest: ABC, size: 3, existed: true });
    const opened = await store.open(ABC);
    expect(opened?.size).toBe(3);
    expect(String(await buffer(Readable.from(opened?.content ?? [])))).toBe('abc');
    expect((await store.list()).map((a) => [a.digest, a.size])).toEqual([[ABC, 3]]);
    await store.remove(ABC);
    await store.remove(ABC);
    expect(await store.has(ABC)).toBe(false);
  });

  test('counts what is asked for or uploaded again as stored now, so that retention lets it be', async () => {
    const root = newDirectory();
    const store = directoryArtifactStore({ root });
    await store.put(text('abc'), { maxBytes: 3 });
    const again = [() => store.has(ABC), () => store.put(text('abc'), { maxBytes: 3 })];
    for (const use of again) {
      utimesSync(join(root, 'sha256', ABC.slice(7)), 1, 1);
      expect((await store.list())[0]?.storedAt).toBe(1_000);
      await use();
      expect((await store.list())[0]?.storedAt).toBeGreaterThan(Date.now() - 60_000);
    }
  });

  test('clears away what a killed process was receiving', async () => {
    const root = newDirectory();
    mkdirSync(join(root, 'incoming'));
    writeFileSync(join(root, 'incoming/half'), 'half');
    await directoryArtifactStore({ root }).put(text('abc'), { maxBytes: 3 });
    expect(readdirSync(join(root, 'incoming'))).toEqual([]);
  });

  test('refuses another digest, too much, and a source that fails, and keeps none of it', async () => {
    const root = newDirectory();
    const store = directoryArtifactStore({ root });
    const wrong = { maxBytes: 10, expectedDigest: ABC };
    await expect(store.put(text('abd'), wrong)).rejects.toMatchObject({ code: 'badRequest' });
    await expect(store.put(text('abcd'), { maxBytes: 3 })).rejects.toMatchObject({ code: 'tooLarge' });
    const failing = (async function* () {
      yield Buffer.from('ab');
      throw new Error('the line broke');
    })();
    await expect(store.put(failing, { maxBytes: 10 })).rejects.toThrow('the line broke');
    expect(await store.list()).toEqual([]);
    expect(readdirSync(join(root, 'incoming'))).toEqual([]);
  });

  test.each(['sha256:../../etc/passwd', 'sha256:', ABC.toUpperCase(), `md5:${ABC.slice(7)}`, `${ABC}/..`])(
    'refuses %s as a name',
    async (digest) => {
      const store = directoryArtifactStore({ root: newDirectory() });
      await expect(store.open(digest)).rejects.toMatchObject({ code: 'badRequest' });
      await expect(store.has(digest)).rejects.toMatchObject({ code: 'badRequest' });
      await expect((async () => store.remove(digest))()).rejects.toMatchObject({ code: 'badRequest' });
    },
  );
});
