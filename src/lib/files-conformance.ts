import assert from 'node:assert/strict';
import type { Files } from './files.ts';

export interface FilesUnderTest {
  readonly files: Files;
  /** A directory that is there, and empty. */
  readonly root: string;
  /** The same disk as a later process sees it. */
  again(): Files;
}

/** One promise of the Files port. It fails by throwing; the caller makes the directory and takes it away. */
export interface FilesCase {
  readonly name: string;
  run(disk: FilesUnderTest): Promise<void>;
}

const text = async (files: Files, path: string) => (await files.read(path))?.toString();

/** Every promise of the Files port that can be seen without a power cut. */
export const filesConformance: readonly FilesCase[] = [
  {
    name: 'what is not there reads as undefined, lists as nothing, and is removed without complaint',
    async run({ files, root }) {
      assert.equal(await files.read(`${root}/absent`), undefined);
      assert.equal(await files.read(`${root}/absent/deeper`), undefined);
      assert.deepEqual(await files.list(`${root}/absent`), []);
      await files.remove(`${root}/absent`);
    },
  },
  {
    name: 'a write replaces the whole file, keeps every byte, and leaves nothing beside it',
    async run({ files, root }) {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      await files.writeAtomic(`${root}/file`, 'a longer text than the next');
      await files.writeAtomic(`${root}/file`, bytes, { mode: 0o600 });
      assert.deepEqual(await files.read(`${root}/file`), bytes);
      await files.writeAtomic(`${root}/file`, '');
      assert.equal(await text(files, `${root}/file`), '');
      assert.deepEqual(await files.list(root), ['file']);
    },
  },
  {
    name: 'what was acknowledged is there for the next process',
    async run({ files, root, again }) {
      await files.makeDirectory(`${root}/agent`);
      await files.writeAtomic(`${root}/agent/wish`, 'one');
      await files.append(`${root}/agent/journal`, 'two\n');
      const later = again();
      assert.equal(await text(later, `${root}/agent/wish`), 'one');
      assert.equal(await text(later, `${root}/agent/journal`), 'two\n');
      await later.append(`${root}/agent/journal`, 'three\n');
      assert.equal(await text(later, `${root}/agent/journal`), 'two\nthree\n');
    },
  },
  {
    name: 'readers meanwhile see the old content or the new',
    async run({ files, root }) {
      const [old, next] = ['a'.repeat(100_000), 'b'.repeat(100_000)];
      await files.writeAtomic(`${root}/file`, old);
      const writing = files.writeAtomic(`${root}/file`, next);
      for (let n = 0; n < 10; n += 1)
        assert.ok([old, next].includes((await text(files, `${root}/file`)) ?? ''));
      await writing;
      assert.equal(await text(files, `${root}/file`), next);
    },
  },
  {
    name: 'appends that are under way together land whole, in the order of their calls',
    async run({ files, root }) {
      const lines = Array.from({ length: 100 }, (_, n) => `${n} ${'x'.repeat(n)}\n`);
      await Promise.all(lines.map((line) => files.append(`${root}/journal`, line)));
      assert.equal(await text(files, `${root}/journal`), lines.join(''));
    },
  },
  {
    name: 'an append goes on where a write ended, and a write forgets what was appended',
    async run({ files, root }) {
      await files.writeAtomic(`${root}/journal`, 'one\n');
      await files.append(`${root}/journal`, 'two\n');
      assert.equal(await text(files, `${root}/journal`), 'one\ntwo\n');
      await files.writeAtomic(`${root}/journal`, 'three\n');
      await files.append(`${root}/journal`, 'four\n');
      assert.equal(await text(files, `${root}/journal`), 'three\nfour\n');
    },
  },
  {
    name: 'what was read stays as it was read',
    async run({ files, root }) {
      await files.append(`${root}/journal`, 'one\n');
      const read = await files.read(`${root}/journal`);
      await files.append(`${root}/journal`, 'two\n');
      assert.equal(read?.toString(), 'one\n');
    },
  },
  {
    name: 'a list has what stands directly in a directory, other directories among it',
    async run({ files, root }) {
      await files.makeDirectory(`${root}/deep/er`, { mode: 0o700 });
      await files.makeDirectory(`${root}/deep/er`);
      await files.writeAtomic(`${root}/file`, '');
      await files.writeAtomic(`${root}/deep/er/file`, '');
      assert.deepEqual((await files.list(root)).toSorted(), ['deep', 'file']);
      assert.deepEqual(await files.list(`${root}/deep`), ['er']);
      assert.deepEqual(await files.list(`${root}/deep/er`), ['file']);
    },
  },
  {
    name: 'a directory is removed with all that is in it, and nothing else is',
    async run({ files, root }) {
      await files.makeDirectory(`${root}/deep/er`);
      await files.writeAtomic(`${root}/deep/er/file`, '');
      await files.writeAtomic(`${root}/deeper`, '');
      await files.remove(`${root}/deep`);
      assert.deepEqual(await files.list(root), ['deeper']);
      assert.equal(await files.read(`${root}/deep/er/file`), undefined);
      await files.remove(`${root}/deeper`);
      assert.deepEqual(await files.list(root), []);
    },
  },
  {
    name: 'what cannot be done is refused by the code of its reason, and nothing is changed by it',
    async run({ files, root }) {
      await files.makeDirectory(`${root}/directory`);
      await files.writeAtomic(`${root}/file`, 'kept');
      const code = async (expected: RegExp, act: Promise<unknown>) =>
        assert.rejects(act, (error: NodeJS.ErrnoException) => expected.test(error.code ?? ''));
      await code(/^ENOENT$/, files.writeAtomic(`${root}/no/such/file`, 'x'));
      await code(/^ENOENT$/, files.append(`${root}/no/such/file`, 'x'));
      await code(/^(EISDIR|EEXIST|ENOTEMPTY)$/, files.writeAtomic(`${root}/directory`, 'x'));
      await code(/^EISDIR$/, files.append(`${root}/directory`, 'x'));
      await code(/^EISDIR$/, files.read(`${root}/directory`));
      await code(/^ENOTDIR$/, files.list(`${root}/file`));
      await code(/^EEXIST$/, files.makeDirectory(`${root}/file`));
      assert.deepEqual((await files.list(root)).toSorted(), ['directory', 'file']);
      assert.equal(await text(files, `${root}/file`), 'kept');
    },
  },
];
