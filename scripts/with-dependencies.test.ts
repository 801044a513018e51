import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./with-dependencies.mjs', import.meta.url));
const VERSION = process.version.slice(1);

/** Stands for npm: notes that it was called, and installs a node that is a link to the one that runs here. */
const FAKE_NPM = `
const fs = require('node:fs');
const path = require('node:path');
fs.appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n');
if (process.env.FAKE === 'fail') { console.error('npm error code E404'); process.exit(7); }
const node = path.join('node_modules', 'node');
fs.rmSync('node_modules', { recursive: true, force: true });
fs.mkdirSync(path.join(node, 'bin'), { recursive: true });
fs.writeFileSync(path.join(node, 'package.json'), JSON.stringify({ version: process.version.slice(1) }));
fs.writeFileSync(path.join(node, 'installArchSpecificPackage.js'),
  "require('node:fs').symlinkSync(process.execPath, 'bin/node')");
if (process.env.FAKE !== 'noScripts') fs.symlinkSync(process.execPath, path.join(node, 'bin', 'node'));
`;

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'slipway-install-'));
  put(
    'package-lock.json',
    JSON.stringify({ packages: { '': {}, 'node_modules/node': { integrity: 'sha512-x' } } }),
  );
  put('npm-cli.js', FAKE_NPM);
  put(
    'file.ts',
    'const words: string[] = process.argv.slice(2); console.log(words.join(" ")); process.exitCode = 3;',
  );
  mkdirSync(join(root, 'scripts'));
  copyFileSync(SCRIPT, join(root, 'scripts/with-dependencies.mjs'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(name: string, content: string): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), content);
}

const npmCalls = (): string[] =>
  existsSync(join(root, 'npm-calls')) ? readFileSync(join(root, 'npm-calls'), 'utf8').trim().split('\n') : [];

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [join(root, 'scripts/with-dependencies.mjs'), ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, npm_execpath: join(root, 'npm-cli.js'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, words] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  const ended = new Promise<{ code: number | null; out: string; words: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, out, words }));
  });
  return { child, ended, said: () => out };
}

/** As `npm ci` leaves it, without a stamp of ours. */
function installed(): void {
  put('node_modules/node/package.json', JSON.stringify({ version: VERSION }));
  mkdirSync(join(root, 'node_modules/node/bin'));
  symlinkSync(process.execPath, join(root, 'node_modules/node/bin/node'));
  put('node_modules/.package-lock.json', readFileSync(join(root, 'package-lock.json'), 'utf8'));
}

describe('with-dependencies', () => {
  it('installs what is missing once, keeps standard output clean, and passes the exit code on', async () => {
    const first = await start(['file.ts', 'a', 'b']).ended;
    expect(first).toMatchObject({ code: 3, out: 'a b\n' });
    expect(first.words).toContain('Installing dependencies');
    const second = await start(['file.ts', 'c']).ended;
    expect(second).toEqual({ code: 3, out: 'c\n', words: '' });
    expect(npmCalls()).toHaveLength(1);
    expect(npmCalls()[0]).toMatch(/^ci .*--include=dev/);
  });

  it('takes what somebody installed as the lock says', async () => {
    installed();
    expect(await start(['file.ts']).ended).toEqual({ code: 3, out: '\n', words: '' });
    expect(npmCalls()).toEqual([]);
  });

  it('installs again when the lock has changed', async () => {
    installed();
    await start(['file.ts']).ended;
    put(
      'package-lock.json',
      JSON.stringify({ packages: { '': {}, 'node_modules/node': { integrity: 'sha512-y' } } }),
    );
    expect((await start(['file.ts']).ended).code).toBe(3);
    expect(npmCalls()).toHaveLength(1);
  });

  it('installs once for two that start together', async () => {
    const both = await Promise.all([start(['file.ts', '1']).ended, start(['file.ts', '2']).ended]);
    expect(both.map(({ code, out }) => [code, out])).toEqual([
      [3, '1\n'],
      [3, '2\n'],
    ]);
    expect(npmCalls()).toHaveLength(1);
    expect(existsSync(join(root, '.slipway/install.lock'))).toBe(false);
  });

  it('takes over the lock of one that was killed', async () => {
    put('.slipway/install.lock', '999999999');
    expect((await start(['file.ts']).ended).code).toBe(3);
  });

  it('runs the installer of node itself where npm runs no install scripts', async () => {
    const { code, words } = await start(['file.ts'], { FAKE: 'noScripts' }).ended;
    expect(words).toContain('runs no install scripts');
    expect(code).toBe(3);
  });

  it('shows what npm said when it fails, and what to run', async () => {
    const { code, out, words } = await start(['file.ts'], { FAKE: 'fail' }).ended;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(words).toMatch(/"npm ci" ended with 7:\nnpm error code E404\n {2}Run: cd .* && npm ci/);
  });

  it('passes signals on', async () => {
    installed();
    put(
      'file.ts',
      'process.on("SIGTERM", () => process.exit(9)); console.log("up"); setInterval(() => {}, 1_000);',
    );
    const { child, ended } = start(['file.ts']);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGTERM');
    expect((await ended).code).toBe(9);
  });
});
