#!/usr/bin/env node
/**
 * `node scripts/with-dependencies.mjs FILE.ts ARGS…`: makes sure that what package-lock.json names is
 * installed, then runs FILE.ts with the Node that is among it. So every npm script works in a fresh clone,
 * on a machine that has an older Node and an empty npm cache, with nothing prepared by hand.
 *
 * Standard output belongs to FILE.ts alone; what the installation says goes to standard error. The exit
 * code is FILE.ts's own, or 1 when it could not be started. Runs on Node 20, hence plain JavaScript.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const OLDEST = 24;
const root = path.dirname(path.dirname(fs.realpathSync(fileURLToPath(import.meta.url))));
const modules = path.join(root, 'node_modules');
const stampFile = path.join(modules, '.slipway-installed');
const lockFile = path.join(root, '.slipway', 'install.lock');

const [file, ...args] = process.argv.slice(2);
if (file === undefined)
  fail('with-dependencies: name the file to run', 'node scripts/with-dependencies.mjs FILE.ts ARGS…');
const wanted = stampOf();
if (read(stampFile) !== wanted || ownNode() === undefined) await installOnce();
await run(ownNode() ?? otherNode() ?? noNode());

/** What an installation was made from: the lock file, and the machine that its binaries are for. */
function stampOf() {
  const lock = createHash('sha256')
    .update(fs.readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  return `${lock} ${process.platform}-${process.arch}\n`;
}

/** Two starts at once install once: the second waits, then finds everything there. */
async function installOnce() {
  const release = await lock();
  try {
    if (read(stampFile) !== wanted && !matchesLock()) npmCi();
    if (ownNode() === undefined) installNode();
    fs.writeFileSync(stampFile, wanted);
  } finally {
    release();
  }
}

/** True when somebody's own `npm ci` has put there what the lock file says, so that nothing need be done. */
function matchesLock() {
  const installed = json(path.join(modules, '.package-lock.json'))?.packages;
  const locked = json(path.join(root, 'package-lock.json'))?.packages;
  if (installed === undefined || locked === undefined) return false;
  return Object.entries(locked).every(([at, entry]) => {
    if (at === '' || entry.link) return true;
    const found = installed[at];
    // What is optional is left out where it is for another machine.
    if (found === undefined) return entry.optional === true || entry.devOptional === true;
    return found.integrity === entry.integrity && fs.existsSync(path.join(root, at, 'package.json'));
  });
}

function npmCi() {
  const startedAt = Date.now();
  process.stderr.write('Installing dependencies as package-lock.json says … ');
  // Dev dependencies hold the Node that runs everything, whatever NODE_ENV or the user's npm settings omit.
  const done = npm(
    ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    root,
  );
  if (done.status === 0) {
    process.stderr.write(`done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s.\n`);
    return;
  }
  process.stderr.write('failed.\n');
  fail(
    `"npm ci" ended with ${done.status ?? done.signal ?? done.error?.message}:\n${tail(done)}`,
    `cd ${root} && npm ci`,
  );
}

/** npm 11 can be told to run no install scripts, and later ones do not by themselves: then the binary is missing. */
function installNode() {
  const package_ = path.join(modules, 'node');
  const installer = path.join(package_, 'installArchSpecificPackage.js');
  if (!fs.existsSync(installer)) return;
  process.stderr.write('Installing Node, which npm did not do since it runs no install scripts … ');
  const done = spawnSync(process.execPath, [installer], {
    cwd: package_,
    env: cleanEnvironment(),
    encoding: 'utf8',
  });
  if (done.status === 0 && ownNode() !== undefined) process.stderr.write('done.\n');
  else process.stderr.write(`failed:\n${tail(done)}\n`);
}

/** npm by the path that the calling npm gave, else from the PATH. Its output is kept for when it fails. */
function npm(words, cwd) {
  const script = process.env.npm_execpath;
  const direct = script !== undefined && /npm-cli\.[cm]?js$/.test(script);
  const [command, before] = direct ? [process.execPath, [script]] : ['npm', []];
  return spawnSync(command, [...before, ...words], {
    cwd,
    env: cleanEnvironment(),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Without our own node_modules/.bin on the PATH: its node goes away in the middle of `npm ci`. */
function cleanEnvironment() {
  const own = path.join(modules, '.bin');
  const directories = (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((one) => path.resolve(one) !== own);
  const usable = directories.some((one) => one !== '' && fs.existsSync(path.join(one, 'node')));
  return usable ? { ...process.env, PATH: directories.join(path.delimiter) } : process.env;
}

/** The installed Node, when it is the version that its package says and runs here. */
function ownNode() {
  const version = json(path.join(modules, 'node', 'package.json'))?.version;
  const binary = path.join(modules, 'node', 'bin', 'node');
  if (version === undefined || !fs.existsSync(binary)) return undefined;
  // 100 MB or more is the real one, npm's placeholder has a few bytes; a stamp says that it ran once.
  if (read(stampFile) === wanted && fs.statSync(binary).size > 1_000_000) return binary;
  return spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim() === `v${version}`
    ? binary
    : undefined;
}

/** Any Node that is new enough, where the installed one cannot run (another C library, say). */
function otherNode() {
  if (Number.parseInt(process.versions.node, 10) >= OLDEST) return process.execPath;
  for (const directory of (process.env.PATH ?? '').split(path.delimiter)) {
    const candidate = path.join(directory, 'node');
    if (directory === '' || !fs.existsSync(candidate)) continue;
    const version = spawnSync(candidate, ['--version'], { encoding: 'utf8' }).stdout ?? '';
    if (Number.parseInt(version.replace(/^v/, ''), 10) >= OLDEST) return candidate;
  }
  return undefined;
}

function noNode() {
  return fail(
    `this needs Node ${OLDEST} or later; ${process.execPath} is ${process.version}, and node_modules/node does not run.`,
    `cd ${path.join(modules, 'node')} && node installArchSpecificPackage.js   (or put a newer node on the PATH)`,
  );
}

/** Runs FILE.ts and ends as it ends. Signals that come to this process alone are passed on. */
async function run(node) {
  const PATH = [path.join(modules, '.bin'), process.env.PATH].filter(Boolean).join(path.delimiter);
  const child = spawn(node, [path.resolve(root, file), ...args], {
    stdio: 'inherit',
    env: { ...process.env, PATH },
  });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to both; twice would mean "at once" to the child.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  const [code, signal] = await new Promise((resolve) => {
    child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`, `${node} --version`));
    child.on('exit', (...how) => resolve(how));
  });
  process.exit(code ?? 128 + (os.constants.signals[signal] ?? 0));
}

/** Takes the lock, waiting for who has it; one whose holder is gone is taken over. Answers how to give it back. */
async function lock() {
  fs.mkdirSync(path.dirname(lockFile), { recursive: true });
  let said = false;
  for (;;) {
    try {
      fs.writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      const giveBack = () => fs.rmSync(lockFile, { force: true });
      process.once('exit', giveBack);
      return giveBack;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = Number(read(lockFile));
    // Empty for a moment while it is made; for longer only when its maker died in that moment.
    const unfinished = !(holder > 0) && ageMs(lockFile) > 5_000;
    if (unfinished || (holder > 0 && !isAlive(holder))) takeOver(holder);
    else if (!said) process.stderr.write(`Waiting for the installation by process ${holder} …\n`);
    said = true;
    await sleep(100);
  }
}

/** Under a second lock, held for a moment, so that of two who see a dead holder one cannot remove the other's lock. */
function takeOver(holder) {
  const guard = `${lockFile}.takeover`;
  try {
    fs.mkdirSync(guard);
  } catch {
    // Somebody does it right now, or died doing so.
    if (ageMs(guard) > 5_000) fs.rmSync(guard, { recursive: true, force: true });
    return;
  }
  if (Object.is(Number(read(lockFile)), holder)) fs.rmSync(lockFile, { force: true });
  fs.rmdirSync(guard);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function ageMs(name) {
  return Date.now() - (fs.statSync(name, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}

function read(name) {
  try {
    return fs.readFileSync(name, 'utf8');
  } catch {
    return undefined; // Not there is an answer here: nothing is installed, nobody holds the lock.
  }
}

function json(name) {
  try {
    return JSON.parse(read(name) ?? '');
  } catch {
    return undefined; // As above.
  }
}

function tail(done) {
  return `${done.stdout ?? ''}${done.stderr ?? ''}`.trim().split('\n').slice(-30).join('\n');
}

function fail(what, next) {
  process.stderr.write(`${what}\n  Run: ${next}\n`);
  process.exit(1);
}
