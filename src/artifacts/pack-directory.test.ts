import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { packDirectory } from './pack-directory.ts';

const directories: string[] = [];
const newDirectory = () => {
  const made = mkdtempSync(join(tmpdir(), 'slipway-pack-'));
  directories.push(made);
  return made;
};
afterEach(() => {
  for (const made of directories.splice(0)) rmSync(made, { recursive: true, force: true });
});
const pack = async (directory: string) => {
  const file = join(newDirectory(), 'out.tgz');
  return { file, ...(await packDirectory(directory, file)) };
};

const FILES: readonly [string, string][] = [
  ['server.js', 'console.log(1)'],
  ['lib/a.js', 'a'],
  ['lib-b/b.js', 'b'],
  [`${'deep/'.repeat(25)}file-with-a-long-name.txt`, 'deep'],
  ['ä/∞ 🚢.txt', 'text'],
  ['empty', ''],
  ['large', 'x'.repeat(200_000)],
];
function fill(directory: string, files: readonly [string, string][]) {
  for (const [path, content] of files) {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  chmodSync(join(directory, 'server.js'), 0o755);
  mkdirSync(join(directory, 'hollow'));
  symlinkSync('lib/a.js', join(directory, 'link'));
}

describe('packing', () => {
  test('the digest depends on names and contents alone', async () => {
    const [a, b] = [newDirectory(), newDirectory()];
    fill(a, FILES);
    fill(b, FILES.toReversed());
    for (const [path] of FILES) utimesSync(join(b, path), 1, 1);
    chmodSync(join(b, 'server.js'), 0o700);
    chmodSync(join(b, 'lib/a.js'), 0o600);
    chmodSync(join(b, 'hollow'), 0o700);
    const [first, second] = [await pack(a), await pack(b)];
    expect(second.digest).toBe(first.digest);
    expect(readFileSync(second.file).equals(readFileSync(first.file))).toBe(true);
    writeFileSync(join(b, 'lib/a.js'), 'c');
    expect((await pack(b)).digest).not.toBe(first.digest);
  });

  test('the digest of this content is this one, on every machine', async () => {
    const directory = newDirectory();
    fill(directory, FILES);
    expect((await pack(directory)).digest).toMatchInlineSnapshot(
      `"sha256:fb2fe651e2f45be7dc4f982fd4179696e63ed6033b67e7179fd5ec3ae4018bd1"`,
    );
  });

  test('other programs read it', async () => {
    const directory = newDirectory();
    fill(directory, FILES);
    const { file } = await pack(directory);
    const out = newDirectory();
    try {
      execFileSync('tar', ['-xzf', file, '-C', out]);
    } catch (error) {
      // Without a tar on this machine node-tar is the other program.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      const { extract } = await import('tar');
      await extract({ file, cwd: out, strict: true });
    }
    for (const [path, content] of FILES) expect(readFileSync(join(out, path), 'utf8')).toBe(content);
    expect(readFileSync(join(out, 'link'), 'utf8')).toBe('a');
  });

  test('a hard link is a file of its own', async () => {
    const directory = newDirectory();
    writeFileSync(join(directory, 'a'), 'same');
    const copied = newDirectory();
    writeFileSync(join(copied, 'a'), 'same');
    writeFileSync(join(copied, 'b'), 'same');
    linkSync(join(directory, 'a'), join(directory, 'b'));
    expect((await pack(directory)).digest).toBe((await pack(copied)).digest);
  });

  test('.slipwayignore is honoured, and what it leaves out need not be packable', async () => {
    const directory = newDirectory();
    fill(directory, FILES);
    symlinkSync('/etc/passwd', join(directory, 'outside'));
    mkdirSync(join(directory, '.git'));
    writeFileSync(join(directory, '.git/config'), 'canary');
    writeFileSync(join(directory, '.slipwayignore'), 'outside\nlarge\n');
    const { file } = await pack(directory);
    const bytes = gunzipSync(readFileSync(file)).toString('latin1');
    for (const absent of ['outside', 'large', 'canary', '.slipwayignore'])
      expect(bytes).not.toContain(absent);
    expect(bytes).toContain('server.js');
  });

  test('application files are no part of the artifact, what looks alike is', async () => {
    const directory = newDirectory();
    const application = (replicas: number) =>
      `# shop\napiVersion: slipway.dev/v1alpha1\nkind: Application\nspec: { replicas: ${replicas} }\n`;
    fill(directory, [
      ['server.js', ''],
      ['app.yaml', application(2)],
      ['deploy.yml', `---\n${application(2)}`],
      ['deploy/[prod].json', '{}'],
      ['deploy/other.yaml', application(2)],
      ['config.yaml', 'runtime: nodejs\n'],
    ]);
    const apart = [join(directory, 'deploy/[prod].json'), join(directory, '..', 'elsewhere.yaml')];
    const packed = () => packDirectory(directory, join(newDirectory(), 'out.tgz'), apart);
    const file = join(newDirectory(), 'out.tgz');
    const before = await packDirectory(directory, file, apart);
    const bytes = gunzipSync(readFileSync(file)).toString('latin1');
    for (const absent of ['app.yaml', 'deploy.yml', '[prod]']) expect(bytes).not.toContain(absent);
    for (const kept of ['config.yaml', 'deploy/other.yaml', 'server.js']) expect(bytes).toContain(kept);
    writeFileSync(join(directory, 'app.yaml'), application(3));
    expect((await packed()).digest).toBe(before.digest);
    writeFileSync(join(directory, '.slipwayignore'), '!app.yaml\n');
    expect((await packed()).digest).not.toBe(before.digest);
  });
});

describe('packing refuses', () => {
  test.each<[string, (directory: string) => void, RegExp]>([
    [
      'a link to an absolute path',
      (d) => symlinkSync('/etc/passwd', join(d, 'l')),
      /l cannot be packed.*absolute/,
    ],
    ['a link out', (d) => symlinkSync('../other', join(d, 'l')), /l cannot be packed.*out of the root/],
    ['a pipe', (d) => void execFileSync('mkfifo', [join(d, 'p')]), /p cannot be packed.*a pipe/],
    [
      'names that differ in case alone',
      (d) => {
        writeFileSync(join(d, 'Readme'), '');
        writeFileSync(join(d, 'README'), '');
      },
      /Readme cannot be packed.*differs from README in case alone/,
    ],
    [
      'a name that is not UTF-8',
      (d) => writeFileSync(Buffer.concat([Buffer.from(`${d}/x`), Buffer.from([0xff])]), ''),
      /not UTF-8/,
    ],
  ])('%s', async (_name, make, message) => {
    const directory = newDirectory();
    make(directory);
    await expect(pack(directory)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(message),
    });
  });

  test('a socket', async () => {
    const directory = newDirectory();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(directory, 's'), resolve));
    await expect(pack(directory)).rejects.toMatchObject({ code: 'invalid' });
    await new Promise((resolve) => server.close(resolve));
  });

  test('a file that is there already, which stays', async () => {
    const directory = newDirectory();
    const file = join(newDirectory(), 'out.tgz');
    writeFileSync(file, 'mine');
    await expect(packDirectory(directory, file)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });
});
