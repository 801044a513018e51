import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { create } from 'tar';
import { afterEach, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../lib/errors.ts';
import { packDirectory } from './pack-directory.ts';
import { type EntryHeader, encodeHeader, padding } from './tar-format.ts';
import { type UnpackOptions, unpackArchive } from './unpack-archive.ts';

const directories: string[] = [];
const newDirectory = () => {
  const made = mkdtempSync(join(tmpdir(), 'slipway-unpack-'));
  directories.push(made);
  return made;
};
afterEach(() => {
  for (const made of directories.splice(0)) rmSync(made, { recursive: true, force: true });
});

interface Part extends Partial<EntryHeader> {
  readonly content?: string;
  /** Changes the finished header block. */
  readonly patch?: (header: Buffer) => void;
}
const END = Buffer.alloc(1_024);

function entry({ content = '', patch, ...header }: Part): Buffer {
  const bytes = Buffer.from(content);
  const block = encodeHeader({
    path: 'x',
    type: 'file',
    mode: 0o644,
    target: '',
    size: bytes.length,
    ...header,
  });
  if (patch !== undefined) {
    const last = block.subarray(block.length - 512);
    patch(last);
    let sum = 256;
    for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += last[i] ?? 0;
    last.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return Buffer.concat([block, bytes, Buffer.alloc(padding(bytes.length))]);
}
const archive = (...parts: (Part | Buffer)[]) =>
  Buffer.concat([...parts.map((part) => (Buffer.isBuffer(part) ? part : entry(part))), END]);
const typeFlag = (flag: string) => (header: Buffer) => void header.write(flag, 156, 'latin1');
const pax = (records: Record<string, string>, flag = 'x') => {
  const content = Object.entries(records)
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      let length = Buffer.byteLength(rest) + 1;
      while (String(length).length + Buffer.byteLength(rest) !== length) length += 1;
      return `${length}${rest}`;
    })
    .join('');
  return entry({ path: 'pax', content, patch: typeFlag(flag) });
};
const link = (path: string, target: string): Part => ({ path, type: 'symlink', target });
const directory = (path: string): Part => ({ path, type: 'directory' });

/** Unpacks into a fresh place inside a guarded directory, and answers what else is there afterwards. */
async function unpack(bytes: Buffer, options: UnpackOptions = {}, chunk = 4_096) {
  const parent = newDirectory();
  const outside = join(parent, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'victim'), 'untouched');
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
    bytes.subarray(i * chunk, (i + 1) * chunk),
  );
  const place = join(parent, 'place');
  const outcome = await unpackArchive(Readable.from(chunks), place, { durable: false, ...options }).then(
    () => undefined,
    (error: Error & { code: ErrorCode }) => error,
  );
  expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('untouched');
  expect(readdirSync(outside)).toEqual(['victim']);
  expect(readdirSync(parent).sort()).toEqual(outcome === undefined ? ['outside', 'place'] : ['outside']);
  return { place, error: outcome };
}

describe('unpacking', () => {
  test('gives back what was packed', async () => {
    const source = newDirectory();
    mkdirSync(join(source, 'node_modules/.bin'), { recursive: true });
    mkdirSync(join(source, 'empty'));
    writeFileSync(join(source, 'node_modules/tool.js'), '#!', { mode: 0o755 });
    writeFileSync(join(source, 'ä 🚢'), 'x'.repeat(150_000), { mode: 0o600 });
    symlinkSync('../tool.js', join(source, 'node_modules/.bin/tool'));
    const file = join(newDirectory(), 'a.tgz');
    await packDirectory(source, file);
    for (const chunk of [1_000_000, 777]) {
      const { place, error } = await unpack(readFileSync(file), { durable: true }, chunk);
      expect(error).toBeUndefined();
      expect(readFileSync(join(place, 'ä 🚢'), 'utf8')).toBe('x'.repeat(150_000));
      expect(lstatSync(join(place, 'ä 🚢')).mode & 0o777).toBe(0o644);
      expect(readFileSync(join(place, 'node_modules/.bin/tool'), 'utf8')).toBe('#!');
      expect(lstatSync(join(place, 'node_modules/tool.js')).mode & 0o777).toBe(0o755);
      expect(lstatSync(place).mode & 0o777).toBe(0o755);
      expect(readdirSync(place).sort()).toEqual(['empty', 'node_modules', 'ä 🚢'].sort());
    }
  });

  test('reads what node-tar made, gzipped and plain, with long names', async () => {
    const source = newDirectory();
    const long = `${'directory-name/'.repeat(12)}${'n'.repeat(120)}`;
    mkdirSync(join(source, long, '..'), { recursive: true });
    writeFileSync(join(source, long), 'deep');
    for (const gzip of [true, false]) {
      const file = join(newDirectory(), 'a.tar');
      await create({ file, cwd: source, gzip }, ['.']);
      const { place, error } = await unpack(readFileSync(file));
      expect(error).toBeUndefined();
      expect(readFileSync(join(place, long), 'utf8')).toBe('deep');
    }
  });

  test('drops special bits, makes parents, follows GNU long names and git’s global header', async () => {
    const name = `${'g'.repeat(150)}.txt`;
    const { place, error } = await unpack(
      archive(
        pax({ comment: '0123abc' }, 'g'),
        { path: 'a/b/set-uid', mode: 0o6777, content: 'x' },
        entry({ path: '././@LongLink', content: `${name}\0`, patch: typeFlag('L') }),
        { path: 'short', content: 'long' },
        { path: 'a/b/twin', type: 'hardlink', target: 'a/b/set-uid' },
      ),
    );
    expect(error).toBeUndefined();
    expect(lstatSync(join(place, 'a/b/set-uid')).mode & 0o7777).toBe(0o755);
    expect(readFileSync(join(place, name), 'utf8')).toBe('long');
    expect(readFileSync(join(place, 'a/b/twin'), 'utf8')).toBe('x');
  });

  test('keeps links that lead nowhere and to directories', async () => {
    const { place, error } = await unpack(
      archive(link('later', 'made/at/run/time'), directory('d'), link('e', 'd')),
    );
    expect(error).toBeUndefined();
    expect(readlinkSync(join(place, 'later'))).toBe('made/at/run/time');
  });

  test('does not replace what is there', async () => {
    const parent = newDirectory();
    mkdirSync(join(parent, 'place'));
    writeFileSync(join(parent, 'place/mine'), 'mine');
    const content = Readable.from([archive({ path: 'a' })]);
    await expect(unpackArchive(content, join(parent, 'place'))).rejects.toMatchObject({
      code: 'alreadyExists',
    });
    expect(readdirSync(parent)).toEqual(['place']);
    expect(readdirSync(join(parent, 'place'))).toEqual(['mine']);
  });
});

/** threats.md: traversal and links in archives. Each is refused, writes nothing outside, leaves nothing. */
const CORPUS: readonly [string, Buffer, RegExp, ErrorCode?][] = [
  ['..', archive({ path: '../outside/victim', content: 'pwned' }), /leads out/],
  ['.. in the middle', archive({ path: 'a/../../outside/victim', content: 'pwned' }), /leads out/],
  ['.. as Windows writes it', archive({ path: '..\\outside\\victim', content: 'pwned' }), /leads out/],
  ['.. at the end', archive({ path: 'a/..', type: 'directory' }), /leads out/],
  ['an absolute path', archive({ path: '/tmp/slipway-unpack-victim', content: 'pwned' }), /absolute path/],
  ['a drive letter', archive({ path: 'C:/victim', content: 'pwned' }), /absolute path/],
  ['.. in a pax path', archive(pax({ path: '../outside/victim' }), { content: 'pwned' }), /leads out/],
  [
    '.. in a GNU long name',
    archive(entry({ content: '../outside/victim\0', patch: typeFlag('L') }), { content: 'pwned' }),
    /leads out/,
  ],
  ['NUL in a pax path', archive(pax({ path: 'a\0b' }), { content: 'x' }), /no name/],
  [
    'a link out, then a write through it',
    archive(link('l', '../outside'), { path: 'l/victim' }),
    /l is there twice/,
  ],
  [
    'a write through a link inside',
    archive(directory('d'), link('l', 'd'), { path: 'l/x', content: 'x' }),
    /l is there twice/,
  ],
  [
    'a directory that becomes a link',
    archive(directory('d'), link('d', '../outside'), { path: 'd/victim' }),
    /d is there twice/,
  ],
  ['a link out by ..', archive(link('l', '../outside')), /the link l: it leads out/],
  ['a link to an absolute path', archive(link('l', '/etc')), /absolute path/],
  ['a link out by a pax target', archive(pax({ linkpath: '../../x' }), link('a/l', 'y')), /leads out/],
  [
    'a link out over a link',
    archive(link('p/q/up', '../..'), link('l', 'p/q/up/..')),
    /the link l: it leads out/,
  ],
  ['a link in a circle', archive(link('a', 'b'), link('b', 'a')), /circle/],
  ['a link to nothing', archive(link('a', '')), /leads nowhere/],
  ['the root as a link', archive(link('.', '../outside')), /no name for a symlink/],
  [
    'a hard link out',
    archive({ path: 'h', type: 'hardlink', target: '../outside/victim' }, { path: 'h', content: 'x' }),
    /leads out/,
  ],
  [
    'a hard link to an absolute path',
    archive({ path: 'h', type: 'hardlink', target: '/etc/passwd' }),
    /absolute/,
  ],
  [
    'a hard link over a link',
    archive(link('l', '../outside'), { path: 'h', type: 'hardlink', target: 'l' }),
    /no file that comes before/,
  ],
  [
    'a hard link to what comes later',
    archive({ path: 'h', type: 'hardlink', target: 'x' }, { path: 'x' }),
    /before it/,
  ],
  ['a character device', archive({ path: 'null', patch: typeFlag('3') }), /a character device/],
  ['a block device', archive({ path: 'sda', patch: typeFlag('4') }), /a block device/],
  ['a pipe', archive({ path: 'p', patch: typeFlag('6') }), /a pipe/],
  ['an unknown type', archive({ path: 'p', patch: typeFlag('Z') }), /unknown type/],
  ['a sparse file', archive(pax({ 'GNU.sparse.major': '1' }), { path: 'p' }), /sparse/],
  [
    'the same name twice',
    archive({ path: 'a', content: '1' }, { path: 'a', content: '2' }),
    /a is there twice/,
  ],
  ['the same name by other words', archive({ path: 'a' }, { path: './/a' }), /a is there twice/],
  ['a name in another case', archive({ path: 'ReadMe' }, { path: 'README' }), /in case alone/],
  ['a link beside a directory in another case', archive(link('D', 'x'), { path: 'd/f' }), /in case alone/],
  ['a name in another Unicode form', archive({ path: 'é' }, { path: 'e\u0301' }), /in case alone/],
  ['a file as a directory', archive({ path: 'a' }, { path: 'a/b' }), /a is there twice/],
  ['a name that is not UTF-8', archive({ path: 'xx', patch: (h) => void h.fill(0xff, 1, 2) }), /not UTF-8/],
  ['a name of over 255 bytes', archive({ path: 'n'.repeat(256) }), /over 255 bytes/],
  ['a path without end', archive({ path: 'n/'.repeat(3_000) }), /over 4,000 bytes/],
  ['a wrong checksum', archive(Buffer.concat([entry({}).fill('y', 0, 1)])), /wrong checksum/],
  ['a size that is no number', archive({ patch: (h) => void h.write('99x9', 124) }), /not octal/],
  ['a negative size', archive({ patch: (h) => void h.fill(0xff, 124, 136) }), /not octal/],
  ['a pax size that is no number', archive(pax({ size: '-1' }), {}), /no number/],
  [
    'a pax length that does not fit',
    archive(entry({ content: '99 path=x\n', patch: typeFlag('x') }), {}),
    /length/,
  ],
  ['a global header that gives names', archive(pax({ path: 'x' }, 'g'), {}), /global header/],
  ['a link with content', archive({ ...link('l', 'x'), content: 'smuggled' }), /has content/],
  ['a directory with content', archive({ path: 'd/', content: 'smuggled' }), /with content/],
  ['no end', entry({ path: 'a', content: 'x' }), /ends early/],
  ['half a file', entry({ path: 'a', content: 'x'.repeat(5_000) }).subarray(0, 2_000), /ends early/],
  ['nothing', Buffer.alloc(0), /ends early/],
  ['text', Buffer.from('x'.repeat(2_000)), /wrong checksum|not octal/],
  ['damaged compression', gzipSync(archive({ path: 'a' })).fill(0xff, 30, 60), /compression is damaged/],
  [
    'compression that is cut short',
    gzipSync(archive({ content: 'x'.repeat(9_000) })).subarray(0, 100),
    /compression|early/,
  ],
  ['an archive in an archive', gzipSync(gzipSync(archive({ path: 'a' }))), /early|checksum|octal/],
  [
    'too many entries',
    archive(...Array.from({ length: 11 }, (_, i) => ({ path: `f${i}` }))),
    /more than 10 e/,
    'tooLarge',
  ],
  [
    'too many bytes',
    archive({ content: 'x'.repeat(60_000) }, { path: 'y', content: 'y'.repeat(50_000) }),
    /more than 100000/,
    'tooLarge',
  ],
  ['a size that is a lie', archive(pax({ size: '900000000000' }), {}), /more than 100000/, 'tooLarge'],
  [
    'a bomb of one file',
    gzipSync(archive({ content: 'x'.repeat(5_000_000) })),
    /more than 100000/,
    'tooLarge',
  ],
  [
    'a bomb behind the end',
    gzipSync(Buffer.concat([archive({}), Buffer.alloc(5_000_000)])),
    /100000/,
    'tooLarge',
  ],
  [
    'a bomb of words',
    archive(entry({ content: 'x'.repeat(70_000), patch: typeFlag('x') }), {}),
    /about one entry/,
  ],
  [
    'a bomb of many words',
    archive(
      ...Array.from({ length: 40 }, () => entry({ content: `${'x'.repeat(9_000)}\0`, patch: typeFlag('L') })),
      {},
    ),
    /decompresses to more/,
    'tooLarge',
  ],
];

describe('unpacking refuses', () => {
  test.each(CORPUS)('%s', async (_name, bytes, message, code = 'invalid') => {
    const { error } = await unpack(bytes, { maxBytes: 100_000, maxEntries: 10 });
    expect(error?.message).toMatch(message);
    expect(error?.code).toBe(code);
  });

  test('an archive whose source fails, with that error', async () => {
    const parent = newDirectory();
    const failing = (async function* () {
      yield gzipSync(archive({ content: 'x'.repeat(9_000) })).subarray(0, 50);
      throw Object.assign(new Error('the line broke'), { code: 'ECONNRESET' });
    })();
    await expect(unpackArchive(failing, join(parent, 'place'))).rejects.toThrow(/the line broke/);
    expect(readdirSync(parent)).toEqual([]);
  });

  test('any damage: it unpacks whole or not at all, and never outside', async () => {
    const good = gzipSync(
      archive(directory('d'), { path: 'd/f', content: 'x'.repeat(700) }, link('l', 'd/f')),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), async (at, value) => {
        const bytes = Buffer.from(good);
        bytes[at] = value;
        await unpack(bytes, { maxBytes: 100_000, maxEntries: 10 });
      }),
      { numRuns: 150 },
    );
  });
});
