/**
 * Makes an artifact of a published web server: the pinned version from npm with its dependencies, and a few
 * static pages. `node build.mjs 14.1.0` writes dist/14.1.0, a directory that stands by itself.
 *
 * What is installed is fixed by the committed lock file, by digest; nothing that a package brings is run. The
 * directory comes out the same wherever it is made, so that its digest does too.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const DOWNLOAD_BYTES = 4 * 1024 * 1024;

/** Ends the program with a sentence for people. */
function refuse(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

function install(version, directory) {
  for (const file of ['package.json', 'package-lock.json']) {
    cpSync(join(HERE, 'versions', version, file), join(directory, file));
  }
  const flags = [
    '--omit=dev',
    '--ignore-scripts',
    '--no-bin-links',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const npm = spawnSync('npm', ['ci', ...flags], { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] });
  if (npm.error !== undefined) refuse(`npm could not be started: ${npm.error.message}`);
  if (npm.status !== 0) refuse(`npm ci ended with ${npm.status}: http-server ${version} was not installed`);
  // npm's own notes name the registry that was used; the artifact must not depend on it.
  rmSync(join(directory, 'node_modules', '.package-lock.json'), { force: true });
}

function writePages(directory) {
  const installed = JSON.parse(
    readFileSync(join(directory, 'node_modules/http-server/package.json'), 'utf8'),
  );
  const pages = join(directory, 'public');
  mkdirSync(pages);
  for (const name of readdirSync(join(HERE, 'pages'))) {
    const text = readFileSync(join(HERE, 'pages', name), 'utf8');
    writeFileSync(join(pages, name), text.replaceAll('{{version}}', installed.version));
  }
  writeFileSync(join(pages, 'download.bin'), Buffer.alloc(DOWNLOAD_BYTES, 'http-server '));
}

const known = readdirSync(join(HERE, 'versions')).sort();
const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
const [version] = positionals;
if (positionals.length !== 1 || !known.includes(version)) {
  refuse(`usage: node build.mjs VERSION [--out DIRECTORY], VERSION one of ${known.join(', ')}`);
}
const out = values.out ?? join(HERE, 'dist');
mkdirSync(out, { recursive: true });
// Beside its place first: a build that is interrupted leaves no half artifact under the name.
const building = mkdtempSync(join(out, `.building-${version}-`));
try {
  install(version, building);
  writePages(building);
  const finished = join(out, version);
  rmSync(finished, { recursive: true, force: true });
  renameSync(building, finished);
  process.stdout.write(`${relative(process.cwd(), finished) || '.'}\n`);
} finally {
  rmSync(building, { recursive: true, force: true });
}
