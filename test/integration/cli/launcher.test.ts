import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProcess, SLIPWAY } from '../../support/slipway-process.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const { version } = JSON.parse(
  execFileSync(process.execPath, ['-p', 'JSON.stringify(require("./package.json"))'], {
    cwd: ROOT,
  }).toString(),
) as { version: string };

/** A Node before 24 on the PATH, outside node_modules; undefined where this machine has none. */
const OLD_NODE = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((directory) => !directory.includes('node_modules'))
  .map((directory) => join(directory, 'node'))
  .find(
    (node) =>
      existsSync(node) &&
      Number.parseInt(execFileSync(node, ['-p', 'process.versions.node']).toString(), 10) < 24,
  );

let directory: string;
/** The launcher and one module, without any node_modules around: as installed from a registry. */
let installed: string;

beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-launcher-')));
  installed = join(directory, 'slipway');
  mkdirSync(join(installed, 'bin'), { recursive: true });
  mkdirSync(join(installed, 'dist', 'cli'), { recursive: true });
  cpSync(SLIPWAY, join(installed, 'bin', 'slipway'));
  writeFileSync(join(installed, 'package.json'), '{"name":"slipway","type":"module"}');
  writeFileSync(
    join(installed, 'dist', 'cli', 'main.js'),
    `console.log('built', process.version, process.argv.slice(2).join(' '), process.env.SLIPWAY_NODE_FROM ?? 'clean');
     if (process.argv[2] === 'wait') { process.on('SIGTERM', () => process.exit(7)); console.log('ready'); setInterval(() => {}, 1000); }
     process.exitCode = 3;`,
  );
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A PATH on which this Node alone is found. */
const only = (node: string): string => {
  const bin = mkdtempSync(join(directory, 'bin-'));
  symlinkSync(node, join(bin, 'node'));
  return [bin, '/usr/bin', '/bin'].join(delimiter);
};

describe('a checkout', () => {
  test('runs the sources, called directly', async () => {
    const ended = await runProcess([SLIPWAY, 'version', '--client']);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`slipway ${version} (Node v`) });
  });

  test('runs through a link, as npm makes them', async () => {
    const link = join(directory, 'slipway-link');
    symlinkSync(SLIPWAY, link);
    expect((await runProcess([link, 'version', '--client'])).code).toBe(0);
  });

  test.skipIf(OLD_NODE === undefined)('is handed over to a newer Node when an old one runs it', async () => {
    const ended = await runProcess([OLD_NODE ?? '', SLIPWAY, 'version', '--client'], {
      env: { PATH: dirname(OLD_NODE ?? '') },
    });
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/\(Node v(2[4-9]|[3-9]\d)\./);
    expect(ended.code).toBe(0);
  });

  test.skipIf(OLD_NODE === undefined)('passes the exit code of what it handed over to', async () => {
    const ended = await runProcess([OLD_NODE ?? '', SLIPWAY, 'gett'], {
      env: { PATH: dirname(OLD_NODE ?? '') },
    });
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean get?') });
  });
});

describe('an installed package', () => {
  test('runs what was built', async () => {
    const ended = await runProcess([join(installed, 'bin', 'slipway'), 'a b', 'c'], {
      env: { PATH: only(process.execPath), XDG_CACHE_HOME: directory },
    });
    expect(ended).toMatchObject({ code: 3, stdout: `built ${process.version} a b c clean\n` });
  });

  test.skipIf(OLD_NODE === undefined)('says which Node it needs and where to get it', async () => {
    const ended = await runProcess([join(installed, 'bin', 'slipway'), 'up'], {
      env: { PATH: only(OLD_NODE ?? '') },
    });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      /^slipway: needs Node 24 or later; this is v\d+\.\d+\.\d+ \(.*\)\.\n {2}In a checkout, "npm ci".*https:\/\/nodejs\.org/,
    );
  });

  test.skipIf(OLD_NODE === undefined)(
    'takes a newer Node that stands later on the PATH, and passes signals on',
    async () => {
      const path = [only(OLD_NODE ?? ''), dirname(process.execPath)].join(delimiter);
      const ended = await runProcess([join(installed, 'bin', 'slipway'), 'wait'], {
        env: { PATH: path, XDG_CACHE_HOME: directory },
        onOutput: (text, kill) => {
          if (text.includes('ready')) kill('SIGTERM');
        },
      });
      expect(ended).toMatchObject({ code: 7, stdout: `built ${process.version} wait clean\nready\n` });
    },
  );

  test('without any Node the shell says so', async () => {
    const bin = mkdtempSync(join(directory, 'empty-'));
    const ended = await runProcess(['/bin/sh', join(installed, 'bin', 'slipway')], { env: { PATH: bin } });
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no node on the PATH') });
  });
});
