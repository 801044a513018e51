import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Application } from '../../../src/api/application.ts';
import type { Track } from '../../../src/api/revision.ts';
import { eventually } from '../../support/eventually.ts';
import { type RunOptions, slipway } from '../../support/slipway-process.ts';

/**
 * One application in two environments: what moves is what was named, what is refused changes nothing, and what
 * moves by itself is said. One Slipway for all, so the order matters.
 */
let directory: string;
let data: string;

const server = (version: number): string => `
require('node:http').createServer((_, response) => response.end('version ${version}')).listen(process.env.PORT);
process.on('SIGTERM', () => process.exit(0));
`;
const APP = `apiVersion: slipway.dev/v1alpha1
kind: Application
metadata: { name: shop }
spec:
  workload:
    artifact: ./dist
    command: [node, server.js]
    port: { env: PORT }
    replicas: 1
    readiness: { http: { path: / }, interval: 50ms }
    drain: { timeout: 1s, streamTimeout: 1s, grace: 1s }
  routes: [{ host: shop.localhost }]
  environments:
    staging: { routes: [{ host: staging.localhost }] }
`;
const STAGING = `apiVersion: slipway.dev/v1alpha1
kind: Environment
metadata: { name: staging }
spec: { clusters: [local] }
`;

const run = (args: readonly string[], options: RunOptions = {}) =>
  slipway(args, { cwd: directory, ...options, env: { SLIPWAY_DATA: data, NO_COLOR: '1', ...options.env } });
const write = (version: number): void => writeFileSync(join(directory, 'dist', 'server.js'), server(version));
const read = async <T>(...args: readonly string[]): Promise<T> =>
  JSON.parse((await run(['get', ...args, '-o', 'json'])).stdout) as T;

/** What each environment serves, once nothing is under way: `{ local: 'r1', staging: 'r2' }`. */
const settled = (): Promise<Record<string, string>> =>
  eventually(
    'every release to end',
    async () => {
      const { items } = await read<{ items: Track[] }>('tracks');
      if (items.some(({ status }) => status?.active != null || (status?.queue.length ?? 0) > 0))
        return undefined;
      return Object.fromEntries(
        items.map(({ spec, status }) => [
          spec.environment,
          /r\d+$/.exec(status?.live ?? '')?.[0] ?? 'nothing',
        ]),
      );
    },
    { timeoutMs: 30_000 },
  );
/** What may not change when something is refused. */
const specNow = async (): Promise<unknown> => (await read<Application>('app', 'shop')).spec;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-environments-'));
  // Where tests run as root, applications run as a user of their own, who must get to the data directory.
  chmodSync(directory, 0o711);
  data = join(directory, 'data');
  mkdirSync(join(directory, 'dist'));
  write(1);
  writeFileSync(join(directory, 'app.yaml'), APP);
  writeFileSync(join(directory, 'staging.yaml'), STAGING);
  const up = await run(['up', '--http', '0', '--api', '0']);
  expect(up, up.stderr).toMatchObject({ code: 0 });
}, 60_000);
afterAll(async () => {
  await run(['down', '--yes']);
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

const LONG = { timeout: 60_000 };

describe('what moves', () => {
  test('a file with its environment says both releases that begin', LONG, async () => {
    const released = await run(['release', '-f', 'app.yaml', '-f', 'staging.yaml', '-w']);
    expect(released, released.stderr).toMatchObject({ code: 0 });
    expect(released.stderr).toMatch(
      /! This releases to staging as well, by itself:\n {2}staging r1: release shop-staging-r1 begins\n/,
    );
    expect(await settled()).toEqual({ local: 'r1', staging: 'r1' });
  });

  test('the environment that is named, and no other one', LONG, async () => {
    write(2);
    const plan = await run(['plan', 'shop', '--artifact', 'dist', '-e', 'staging']);
    expect(plan.stdout).not.toContain('moves too');
    const released = await run(['release', 'shop', '--artifact', 'dist', '-w'], {
      env: { SLIPWAY_ENVIRONMENT: 'staging' },
    });
    expect(released, released.stderr).toMatchObject({ code: 0 });
    expect(released.stderr).toContain(
      'Only staging gets it: it is written to spec.environments.staging.workload.',
    );
    expect(await settled()).toEqual({ local: 'r1', staging: 'r2' });
  });

  test('without a name, every environment that has no artifact of its own', LONG, async () => {
    write(3);
    const released = await run(['release', 'shop', '--artifact', 'dist', '-w']);
    expect(released, released.stderr).toMatchObject({ code: 0 });
    expect(released.stderr).not.toContain('as well');
    expect(await settled()).toEqual({ local: 'r2', staging: 'r2' });
  });

  test('a file takes the override back; plan, apply and release say who moves', LONG, async () => {
    write(4);
    const plan = await run(['plan', '-f', 'app.yaml']);
    expect(plan.stdout).toMatch(
      /\nmoves too {4}staging r2 → r3, by itself \(release shop-staging-r3\)\n[\s\S]*slipway release shop -f app.yaml --plan/,
    );
    const applied = await run(['apply', '-f', 'app.yaml']);
    expect(applied.stdout).toMatch(
      /✓ application\/shop configured\n {2}in local: release shop-local-r3 begins\n.*--watch\n {2}in staging: release shop-staging-r3 begins\n/,
    );
    expect(await settled()).toEqual({ local: 'r3', staging: 'r3' });
    write(5);
    const released = await run(['release', 'shop', '--artifact', 'dist', '-w']);
    expect(released.stderr).toMatch(
      /! This releases to staging as well, by itself:\n {2}staging r3 → r4: release shop-staging-r4 begins\n {2}To move one environment alone: slipway release shop … -e local\n/,
    );
    expect(await settled()).toEqual({ local: 'r4', staging: 'r4' });
  });
});

describe('a refused release changes nothing', () => {
  const NEEDY = APP.replace('replicas: 1', 'replicas: 1\n    env: { KEY: { secret: svc, key: api-key } }');
  test.each<[string, string[], RegExp]>([
    [
      'an environment that is not there',
      ['release', 'shop', '--artifact', 'dist', '-e', 'stagign'],
      /^✗ There is no environment stagign in namespace default\. There are local and staging\. Nothing was changed\.\n {2}slipway get environments\n$/,
    ],
    [
      'the same, of a file',
      ['release', '-f', 'app.yaml', '-e', 'stagign'],
      /^✗ There is no environment stagign /,
    ],
    [
      'the same, without a change',
      ['release', 'shop', '-e', 'stagign'],
      /^✗ There is no environment stagign /,
    ],
    [
      'a plan of such an environment',
      ['plan', 'shop', '-e', 'stagign'],
      /^✗ there is no environment stagign; there are local, staging \(namespace default\)\n/,
    ],
    [
      'another plan',
      ['release', 'shop', '--artifact', 'dist', '--plan', '000000'],
      /✗ The plan is [0-9a-f]{6} and not 000000: .* Nothing was released or changed\.\n/,
    ],
    [
      'another plan, of a file',
      ['release', '-f', 'app.yaml', '--plan', '000000'],
      /✗ The plan is [0-9a-f]{6} and not 000000: .* Nothing was released or changed\.\n/,
    ],
    [
      'a secret that is missing, of a file',
      ['release', '-f', 'needy.yaml'],
      /✗ shop cannot be released to local; nothing was changed\.\n.*there is no key api-key in secret svc/,
    ],
  ])('%s', async (_, args, words) => {
    write(6);
    writeFileSync(join(directory, 'needy.yaml'), NEEDY);
    const before = await specNow();
    const refused = await run(args);
    expect(refused.stderr).toMatch(words);
    expect(refused.code).not.toBe(0);
    expect(await specNow()).toEqual(before);
    expect(await settled()).toEqual({ local: 'r4', staging: 'r4' });
  });
});

describe('a secret that is in use', () => {
  const KEY = APP.replace('replicas: 1', 'replicas: 1\n    env: { KEY: { secret: svc, key: api-key } }');
  const file = KEY.replace('environments:', 'release: auto\n  environments:');
  const set = (...more: readonly string[]) =>
    run(['secret', 'set', 'svc', 'api-key', ...more], { input: 'open sesame' });

  test('before anybody has it, why says who can unblock it', LONG, async () => {
    writeFileSync(join(directory, 'key.yaml'), file);
    expect(await run(['apply', '-f', 'key.yaml'])).toMatchObject({ code: 0 });
    const why = await run(['why', 'shop', '-e', 'staging']);
    expect(why.stdout).toMatch(/can unblock it:\n {2}slipway secret set svc api-key\n$/);
  });

  test('setting it names what is released, asks, and names the releases', LONG, async () => {
    const asked = await set();
    expect(asked).toMatchObject({ code: 1, stdout: '' });
    expect(asked.stderr).toMatch(
      /api-key is in use, and a new value begins a release by itself of:\n {2}shop in local and staging \(api-key\)\n[\s\S]*--yes/,
    );
    expect((await run(['get', 'secrets', '-o', 'name'])).stdout).toBe('');
    const done = await set('--yes');
    expect(done.stdout).toMatch(
      /^✓ secret\/svc: api-key is set\.\n {2}release shop-local-r5 begins: .*\n {2}release shop-staging-r5 begins: /,
    );
    expect(await settled()).toEqual({ local: 'r5', staging: 'r5' });
  });

  test.each<[string, string[], RegExp]>([
    [
      'a value',
      ['secret', 'delete', 'svc', 'api-key', '--yes'],
      /✗ Value api-key of secret svc is in use; nothing was deleted:\n {2}shop in local and staging \(api-key\)\n.*slipway secret delete svc api-key --force --why REASON/,
    ],
    ['all of it', ['secret', 'delete', 'svc', '--yes'], /✗ Secret svc with all its values is in use/],
    [
      'without a reason',
      ['secret', 'delete', 'svc', '--force', '--yes'],
      /✗ What is in use goes only with a reason/,
    ],
    [
      'by the general command',
      ['delete', 'secret', 'svc', '--yes'],
      /✗ secret svc is in use by shop in local \(api-key\), shop in staging \(api-key\): /,
    ],
  ])('is not deleted: %s', async (_, args, words) => {
    const refused = await run(args);
    expect(refused.stderr).toMatch(words);
    expect(refused.code).toBe(1);
    expect((await run(['get', 'secrets', '-o', 'name'])).stdout).toBe('secret/svc\n');
  });

  test('is deleted by who insists, with a reason', async () => {
    const forced = await run(['secret', 'delete', 'svc', '--force', '--why', 'it leaked', '--yes']);
    expect(forced, forced.stderr).toMatchObject({ code: 0 });
    expect((await run(['get', 'secrets', '-o', 'name'])).stdout).toBe('');
  });
});

describe('a release in the queue', () => {
  const QUEUED = 'shop-local-r7';
  test('waits behind one that has flipped and pauses', LONG, async () => {
    const pausing = APP.replace('  routes: [', '  strategy: { blueGreen: { pause: [2] } }\n  routes: [');
    writeFileSync(join(directory, 'pausing.yaml'), pausing.replace(/ {2}environments:[\s\S]*/, ''));
    write(7);
    expect(await run(['release', '-f', 'pausing.yaml'])).toMatchObject({ code: 0 });
    await eventually('the pause', async () =>
      (await run(['why', 'shop'])).stdout.startsWith('Waiting for promote') ? true : undefined,
    );
    write(8);
    const queued = await run(['release', 'shop', '--artifact', 'dist', '-e', 'local']);
    expect(queued.stdout).toContain(`release ${QUEUED} is queued behind shop-local-r6`);
  });

  test.each<[string, string[], RegExp]>([
    [
      'history',
      ['history', 'shop', '-e', 'local'],
      /\nshop-local-r7 +- +r7 +dist +- +Queued .*\nshop-local-r6 /,
    ],
    [
      'status',
      ['status', 'shop', '-e', 'local'],
      /release shop-local-r7 of \S+ is queued \(slipway abort shop-local-r7\)/,
    ],
    [
      'why of the application',
      ['why', 'shop'],
      /Release shop-local-r7 of \S+ is queued behind it:\n {2}slipway abort shop-local-r7/,
    ],
    ['why', ['why', QUEUED], /^Release shop-local-r7 of \S+ is queued behind shop-local-r6\.\n/],
    [
      'describe',
      ['describe', `release/${QUEUED}`],
      /^Release shop-local-r7 · shop in local · r7 · queued \d+s ago\nRelease .* is queued behind/,
    ],
    ['describe of the application', ['describe', 'app', 'shop'], /release shop-local-r7 of \S+ is queued/],
  ])('is seen by %s', async (_, args, words) => {
    const seen = await run(args);
    expect(seen, seen.stderr).toMatchObject({ code: 0 });
    expect(seen.stdout).toMatch(words);
  });

  test('takes no other verb, and is given up by abort', LONG, async () => {
    expect((await run(['promote', QUEUED])).stderr).toMatch(
      /^✗ release shop-local-r7 is queued behind shop-local-r6: there is nothing to promote yet\n/,
    );
    expect((await run(['abort', QUEUED])).stderr).toMatch(
      /^This gives up release shop-local-r7 of shop in local/,
    );
    const aborted = await run(['abort', QUEUED, '--yes', '--why', 'wrong build']);
    expect(aborted, aborted.stderr).toMatchObject({ code: 0 });
    expect((await run(['history', 'shop', '-e', 'local'])).stdout).toMatch(/\nshop-local-r7 .* Aborted /);
    expect(await run(['promote', 'shop', '-e', 'local', '-w'])).toMatchObject({ code: 0 });
    expect(await settled()).toMatchObject({ local: 'r6' });
  });
});

describe('leaving one environment', () => {
  test('asks, drains there, and the rest stays', LONG, async () => {
    expect(await run(['apply', '-f', 'app.yaml'])).toMatchObject({ code: 0 });
    await settled();
    const asked = await run(['delete', 'app/shop', '-e', 'staging']);
    expect(asked.stderr).toMatch(
      /^This takes application\/shop out of staging: .*\nIt stays in local\.\n[\s\S]*--yes/,
    );
    const left = await run(['delete', 'app/shop', '-e', 'staging', '--yes']);
    expect(left, left.stderr).toMatchObject({
      code: 0,
      stdout:
        '✓ application/shop leaves staging (spec.environments.staging.absent)\n✓ application/shop is gone from staging\n',
    });
    expect(Object.keys(await settled())).toEqual(['local']);
  });

  test.each<[string, string[], RegExp]>([
    ['again', ['delete', 'app', 'shop', '-e', 'staging', '-y'], /✗ shop is not in staging; it is in local\./],
    [
      'a release there',
      ['release', 'shop', '-e', 'staging'],
      /✗ shop is not to be in staging: spec\.environments\.staging\.absent says so/,
    ],
    [
      'a plan there',
      ['plan', 'shop', '-e', 'staging'],
      /✗ shop cannot be released to staging:\n.*is not to be in staging/,
    ],
    ['another kind', ['delete', 'env', 'staging', '-e', 'staging'], /^This deletes environment\/staging\./],
  ])('%s', async (_, args, words) => {
    const { stdout, stderr, code } = await run(args);
    expect(stdout + stderr).toMatch(words);
    expect(code).not.toBe(0);
  });

  test('stays so over changes; the environment can go, and a file brings it back', LONG, async () => {
    write(9);
    const released = await run(['release', 'shop', '--artifact', 'dist', '-w']);
    expect(released.stderr).not.toContain('staging');
    expect(Object.keys(await settled())).toEqual(['local']);
    expect(await run(['delete', 'env', 'staging', '--yes'])).toMatchObject({ code: 0 });
    const back = await run(['apply', '-f', 'staging.yaml', '-f', 'app.yaml']);
    expect(back.stdout).toMatch(/in staging: release shop-staging-r\d+ begins/);
    expect(Object.keys(await settled()).sort()).toEqual(['local', 'staging']);
    const gone = await run(['delete', 'env', 'staging', '--yes']);
    expect(gone.stderr).toContain('slipway delete application shop -e staging');
  });
});
