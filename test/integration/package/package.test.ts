import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { nodeNetwork } from '../../../src/lib/network-node.ts';
import { type Ended, runProcess } from '../../support/slipway-process.ts';
import { install, PATH, packCopy } from './pack.ts';

/**
 * What people get from the registry: the tarball of `npm pack`, installed into an empty project. Sources run as
 * they are in a checkout, and Node strips no types inside node_modules, so everything that finds another file
 * by its own place (processes, threads, package.json) must do so from `dist/` too.
 */
const SHOP = fileURLToPath(new URL('../../../examples/shop', import.meta.url));
const PACK_MS = 300_000;

let directory: string;
let tarball: string;
/** Null where the registry cannot be reached. */
let installed: Ended | null;

beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-package-')));
  // Where tests run as root, applications run as a user of their own, who must get to the data directory.
  chmodSync(directory, 0o711);
  tarball = await packCopy(directory);
  installed = await install(tarball, join(directory, 'project'));
}, PACK_MS);
afterAll(async () => {
  if (installed?.code === 0) await slipway(['down', '--yes']);
  rmSync(directory, { recursive: true, force: true });
});

const slipway = (args: readonly string[]): Promise<Ended> =>
  runProcess([join(directory, 'project/node_modules/.bin/slipway'), ...args], {
    cwd: directory,
    env: {
      PATH,
      HOME: directory,
      XDG_CACHE_HOME: join(directory, 'cache'),
      SLIPWAY_DATA: join(directory, 'data'),
      NO_COLOR: '1',
    },
  });

/** Without a registry there are no dependencies to install, and nothing to say about the package. */
function needsRegistry(context: TestContext): void {
  if (installed === null) context.skip('npm install reaches no registry');
}

test('the tarball holds what was built, and nothing of the sources or tests', async () => {
  const { stdout } = await runProcess(['tar', '-tzf', tarball]);
  const files = stdout.trim().split('\n');
  expect(files).toEqual(
    expect.arrayContaining([
      'package/package.json',
      'package/README.md',
      'package/bin/slipway',
      'package/dist/cli/main.js',
      'package/dist/embedded/supervisor-process.js',
      'package/dist/embedded/router-process.js',
      'package/dist/embedded/manager-process.js',
      'package/dist/embedded/agent-process.js',
      'package/dist/gates/expression-worker.js',
    ]),
  );
  expect(files.filter((file) => /\.ts$|\.test\.|\/src\/|\/test\/|conformance/.test(file))).toEqual([]);
});

test('it installs without complaints of its own', (context) => {
  needsRegistry(context);
  expect(installed).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/slipway/) });
  expect(existsSync(join(directory, 'project/node_modules/slipway/dist'))).toBe(true);
});

test('version and --help run', async (context) => {
  needsRegistry(context);
  const { version } = JSON.parse(
    readFileSync(join(directory, 'project/node_modules/slipway/package.json'), 'utf8'),
  ) as { version: string };
  const said = await slipway(['version', '--client']);
  expect(said, said.stderr).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`slipway ${version} (Node v`),
  });
  const help = await slipway(['--help']);
  expect(help, help.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: slipway') });
});

test(
  'up, a release with a gate, status, down',
  async (context) => {
    needsRegistry(context);
    const up = await slipway(['up', '--http', '0', '--api', '0', '-o', 'json']);
    expect(up, up.stderr).toMatchObject({ code: 0 });
    const { status } = JSON.parse(up.stdout) as { status: { urls: { entry: string[] } } };

    // Its smoke test is an expression, which runs in a thread of its own.
    cpSync(SHOP, join(directory, 'shop'), { recursive: true });
    const file = join(directory, 'shop/app.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('replicas: 6', 'replicas: 1'));
    const applied = await slipway(['apply', '-f', file, '--watch']);
    expect(applied, applied.stderr + applied.stdout).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/gate smoke: GET \/version 200[\s\S]* 0 failed/),
    });
    const network = nodeNetwork();
    const { hostname, port } = new URL(status.urls.entry[0] ?? '');
    const answer = await network.request({
      url: 'http://shop.localhost/version',
      connectTo: { host: hostname, port: Number(port) },
      timeoutMs: 5_000,
      fresh: true,
    });
    expect(answer).toMatchObject({ status: 200, headers: { 'slipway-revision': 'shop-r1' } });

    const seen = await slipway(['status']);
    expect(seen, seen.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('shop') });
    const down = await slipway(['down', '--yes']);
    expect(down, down.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('has ended') });
    const after = await slipway(['status']);
    expect(after.code).not.toBe(0);
  },
  PACK_MS,
);
