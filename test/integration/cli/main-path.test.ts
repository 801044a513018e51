import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunOptions, slipway } from '../../support/slipway-process.ts';

/**
 * What a person does in the first hour, by the commands alone: up, apply, release, watch, look, pause,
 * promote, roll back, back up, restore, delete, down. One Slipway for all, so the order matters.
 */
let directory: string;
let data: string;

const server = (version: number, status = 200): string => `
const http = require('node:http');
const server = http.createServer((request, response) => {
  response.statusCode = request.url === '/version' ? ${status} : 200;
  response.end('version ${version}');
});
server.listen(process.env.PORT, () => console.log('shop ${version} listens'));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

const APP = `apiVersion: slipway.dev/v1alpha1
kind: Application
metadata: { name: shop }
spec:
  workload:
    artifact: ./dist
    command: [node, server.js]
    port: { env: PORT }
    replicas: 2
    readiness: { http: { path: /healthz }, interval: 50ms }
    drain: { timeout: 2s, streamTimeout: 2s, grace: 2s }
  routes:
    - { host: shop.localhost, path: / }
  strategy: { scaled: {} }
  gates:
    - { after: 1, name: smoke, http: { path: /version } }
`;

const run = (args: readonly string[], options: RunOptions = {}) =>
  slipway(args, { cwd: directory, ...options, env: { SLIPWAY_DATA: data, NO_COLOR: '1', ...options.env } });
const write = (text: string): void => writeFileSync(join(directory, 'dist', 'server.js'), text);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-main-'));
  // Where tests run as root, applications run as a user of their own, who must get to the data directory.
  chmodSync(directory, 0o711);
  data = join(directory, 'data');
  mkdirSync(join(directory, 'dist'));
  write(server(1));
  writeFileSync(join(directory, 'app.yaml'), APP);
  writeFileSync(join(directory, 'package.json'), '{ "name": "shop" }\n');
  writeFileSync(join(directory, 'compose.yaml'), 'services: {}\n');
  const up = await run(['up', '--http', '0', '--api', '0']);
  expect(up, up.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^✓ Slipway .* is up in/) });
});
afterAll(async () => {
  await run(['down', '--yes']);
  rmSync(directory, { recursive: true, force: true });
});

describe('the first release', () => {
  test('from a file, watched to its end', async () => {
    const ended = await run(['release', '-f', 'app.yaml', '--watch']);
    expect(ended.stdout).toMatch(
      /^Release shop r1 .*\n[\s\S]*✓ gate smoke: GET \/version 200[\s\S]*✓ r1 is serving in .* 0 failed\.\n {2}slipway receipt shop-local-r1\n$/,
    );
    expect(ended.stderr).toMatch(/uploaded dist, .* shop@sha256:/);
    expect(ended.code).toBe(0);
  });

  test('applying the same file again changes nothing', async () => {
    expect(await run(['apply', '-f', 'app.yaml'])).toMatchObject({
      code: 0,
      stdout: '✓ application/shop unchanged\n',
    });
    expect(await run(['diff', '-f', 'app.yaml'])).toMatchObject({
      code: 0,
      stdout: 'application/shop: no change\n',
    });
    expect((await run(['release', 'shop'])).stdout).toMatch(/live already: nothing that runs would change/);
  });

  test('scaling and restarting are watched to their end', async () => {
    const serving = async () => (await run(['status', 'shop'])).stdout.match(/ serving /g)?.length;
    const before = JSON.stringify((await run(['status', 'shop'])).stdout.match(/shop-r1-\S+/g));
    expect(await run(['scale', 'shop', '3', '--watch'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^✓ shop: shop is wanted with 3 instances\n[\s\S]*✓ shop: done\n$/),
    });
    expect(await serving()).toBe(3);
    expect(await run(['restart', 'shop', '--watch'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^✓ shop: every instance of [\s\S]*✓ shop: done\n$/),
    });
    expect(await serving()).toBe(3);
    expect(JSON.stringify((await run(['status', 'shop'])).stdout.match(/shop-r1-\S+/g))).not.toBe(before);
    expect(await run(['scale', 'shop', '2', '--watch'])).toMatchObject({ code: 0 });
    expect(await serving()).toBe(2);
  });
});

describe('looking', () => {
  test.each<[string[], RegExp]>([
    [
      ['get', 'releases'],
      /^NAME +APP +FROM +TO +STRATEGY +STAGE +PHASE +WAITING FOR +AGE\nshop-local-r1 +shop +- +r1 +scaled +2\/2 +Succeeded/,
    ],
    [['get', 'rel/shop', '-o', 'name'], /^release\/shop-local-r1\n$/],
    [['get', 'app,rel', '-o', 'name'], /^application\/shop\nrelease\/shop-local-r1\n$/],
    [['get', 'app,rel'], /^NAME[^\n]*\nshop [^\n]*\n\nNAME[^\n]*\nshop-local-r1 /],
    [['get', 'app', '-o', 'yaml'], /kind: List[\s\S]*name: shop/],
    [['describe', 'release', 'shop'], /^Release shop-local-r1[\s\S]*✓ 1 [\s\S]*Requests during the release/],
    [
      ['describe', 'app', 'shop'],
      /^Application shop · scaled[\s\S]*In local: r1 serves[\s\S]*Latest releases/,
    ],
    [['receipt', 'shop'], /^✓ Release shop-local-r1 · r1 · local · Succeeded/],
    [['why', 'shop'], /waits for nothing: shop-local-r1 serves/],
    [['history', 'shop'], /shop-local-r1 +- +r1 .* Succeeded/],
    [
      ['status'],
      /Slipway .* is up[\s\S]*manager +ready[\s\S]*shop in local · r1 \(dist\) serves[\s\S]*shop-r1 +100 % +\S+ +serving/,
    ],
    [['logs', 'shop', '--no-prefix'], /^shop 1 listens$/m],
    [['describe', 'shop'], /^Application shop · scaled/],
    [['describe', 'shop-local-r1'], /^Release shop-local-r1/],
    [['get', 'app/shop', 'rel/shop-local-r1', '-o', 'name'], /^application\/shop\nrelease\/shop-local-r1\n$/],
    [['get', 'rel/shop-local-r1', 'app/shop'], /^NAME[^\n]*\nshop-local-r1 [^\n]*\n\nNAME[^\n]*\nshop /],
    [['get', '--help'], /Kinds: clusters, environments \(env\), .* secrets/],
    [
      ['status', '-n', 'nope'],
      /There is no application in namespace nope; of every namespace: slipway get apps -A/,
    ],
    [['up'], /^✓ Slipway already runs on .*: process \d+, since \d\d:\d\d, [\s\S]*slipway status/],
    // Other programs keep their files there too.
    [['apply', '-f', '.', '--dry-run'], /^✓ application\/shop unchanged \(dry run/],
    [['plan', 'shop', '--to', 'r9'], /cannot be released[\s\S]*there is no revision r9/],
  ])('%j', async (args, text) => {
    expect((await run(args)).stdout).toMatch(text);
  });

  test('a receipt for scripts', async () => {
    const receipt = JSON.parse((await run(['receipt', 'shop', '-o', 'json'])).stdout) as {
      kind: string;
      spec: { requests: { source: string } };
    };
    expect(receipt).toMatchObject({
      kind: 'Receipt',
      spec: { release: 'shop-local-r1', phase: 'Succeeded', requests: { source: 'router' } },
    });
  });

  test.each<[string[], string]>([
    [['get', 'app', 'shpo'], 'Did you mean shop?'],
    [['why', 'shpo'], 'Did you mean shop?'],
    [['status', 'shpo'], 'Did you mean shop?'],
    [['release', 'shpo'], 'Did you mean shop?'],
    [['why', 'shop-r1'], 'Did you mean shop-local-r1?'],
  ])('what is not there ends with 3, and with the nearest: %j', async (args, guess) => {
    const ended = await run(args);
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining(guess) });
  });

  test.each<[string[], RegExp]>([
    [['abort', 'shop'], /^✗ abort does nothing for release shop-local-r1: it has ended: Succeeded\./],
    [['skip', 'shop', '--why', 'x'], /^✗ skip does nothing for release shop-local-r1: it has ended/],
    [['rollback', 'shop'], /^✗ There is no revision of shop in local before r1 to go back to\./],
    [['rollback', 'shop', '--to', 'r1'], /^✗ r1 of shop serves in local already\./],
    [['rollback', 'shop', '--to', 'r7'], /^✗ There is no revision r7 of shop in local; there is r1\./],
  ])('what the state does not allow is refused before anybody is asked: %j', async (args, words) => {
    expect(await run(args)).toMatchObject({ code: 1, stderr: expect.stringMatching(words) });
  });
});

describe('what is not there', () => {
  test.each<[string[], number, RegExp]>([
    [
      ['logs', 'shop', '--instance', 'nope'],
      3,
      /^✗ There is no instance nope of shop in local, [\s\S]*There is shop-r1-/,
    ],
    [['get', 'artifacts'], 0, /no artifacts in namespace default\.\n.*revisions name it by digest/],
    [['up', '--http', '1'], 1, /^✗ Slipway already runs on .*, since \d\d:\d\d, /],
    [['describe', 'nobody'], 2, /There is no kind "nobody"/],
  ])('%j', async (args, code, words) => {
    const ended = await run(args);
    expect(ended.stderr).toMatch(words);
    expect(ended.code).toBe(code);
  });
});

describe('a second release', () => {
  test('approved by the hash of its plan, refused with any other', async () => {
    write(server(2));
    const plan = await run(['plan', 'shop', '--artifact', 'dist']);
    expect(plan.stdout).toMatch(/slipway release shop --artifact dist --env local --plan [0-9a-f]{6}\n$/);
    const hash = /--plan ([0-9a-f]{6})/.exec(plan.stdout)?.[1] ?? 'none';
    const wrong = await run([
      'release',
      'shop',
      '--artifact',
      'dist',
      '--plan',
      hash === '000000' ? '111111' : '000000',
    ]);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was released') });
    expect((await run(['get', 'releases', '-o', 'name'])).stdout).toBe('release/shop-local-r1\n');
    const ended = await run([
      'release',
      'shop',
      '--artifact',
      'dist',
      '--plan',
      hash,
      '--watch',
      '--why',
      'second',
    ]);
    expect(ended, ended.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/✓ Released in .* 0 failed\./),
    });
  });

  test('a gate that fails turns it back, and the command ends with 4', async () => {
    write(server(3, 500));
    const ended = await run(['release', 'shop', '--artifact', 'dist', '--watch']);
    expect(ended.stdout).toMatch(/✗ gate smoke: fail[\s\S]*↩ Turned back to r2/);
    expect(ended.code).toBe(4);
  });

  test('Ctrl-C stops watching, never the release', async () => {
    write(server(4));
    writeFileSync(join(directory, 'app.yaml'), APP.replace('scaled: {}', 'scaled: { pause: [1] }'));
    const watching = await run(['release', '-f', 'app.yaml', '--watch'], {
      onOutput: (text, kill) => {
        if (text.includes('slipway promote')) kill('SIGINT');
      },
    });
    expect(watching.code).toBe(130);
    expect(watching.stderr).toMatch(
      /Stopped watching\. Release shop-local-r4 goes on\.\n {2}slipway describe release\/shop-local-r4 --watch/,
    );
    expect((await run(['get', 'rel', 'shop-local-r4'])).stdout).toMatch(/Paused +promotion/);
    expect(await run(['describe', 'release/shop-local-r4', '--watch', '--timeout', '300ms'])).toMatchObject({
      code: 6,
    });
    const promoted = await run(['promote', 'shop', '--watch', '--why', 'looks good']);
    expect(promoted, promoted.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/✓ Released in/),
    });
    expect((await run(['receipt', 'shop-local-r4'])).stdout).toMatch(/admin: promote .*"looks good"/);
  });

  test('a verb that the state does not allow is refused with the reason', async () => {
    const ended = await run(['promote', 'shop-local-r4']);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      /^✗ shop-local-r4: it has ended: Succeeded\n {2}slipway why shop-local-r4\n$/,
    );
  });

  test('a change in place alone is watched to its end', async () => {
    const scaled = APP.replace('replicas: 2', 'replicas: 4').replace('scaled: {}', 'scaled: { pause: [1] }');
    writeFileSync(join(directory, 'app.yaml'), scaled);
    const watched = await run(['apply', '-f', 'app.yaml', '--watch']);
    expect(watched, watched.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/✓ shop: done\n$/),
    });
    expect((await run(['status', 'shop'])).stdout.match(/ serving /g)).toHaveLength(4);
    expect((await run(['apply', '-f', 'app.yaml', '--watch'])).stdout).toMatch(/live already/);
  });

  test('apply says what it sets going', async () => {
    const many = APP.replace('replicas: 2', 'replicas: 3').replace('scaled: {}', 'scaled: { pause: [1] }');
    writeFileSync(join(directory, 'app.yaml'), many);
    expect((await run(['apply', '-f', 'app.yaml'])).stdout).toBe(
      '✓ application/shop configured\n  no release: what runs stays r4; the rest applies in place\n',
    );
    writeFileSync(join(directory, 'app.yaml'), many.replace('env: PORT }', 'env: PORT }\n    env: { A: b }'));
    expect((await run(['apply', '-f', 'app.yaml'])).stdout).toBe(
      '✓ application/shop configured\n  release shop-local-r5 begins\n  slipway describe release/shop-local-r5 --watch\n',
    );
    const aborted = await run(['abort', 'shop', '--yes', '--watch']);
    expect(aborted, aborted.stderr).toMatchObject({ code: 4 });
  });

  test('rolling back asks first, and holds automatic releases', async () => {
    const unasked = await run(['rollback', 'shop']);
    expect(unasked).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/This moves all users of shop in local from r4 back[\s\S]*--yes/),
    });
    const ended = await run(['rollback', 'shop', '--yes', '--watch'], {
      onOutput: (text, kill) => {
        // The application's own strategy pauses after stage 1 of a rollback too; the test goes on by itself below.
        if (text.includes('slipway promote')) kill('SIGINT');
      },
    });
    if (ended.code === 130)
      expect(await run(['promote', 'shop', '--full', '--watch'])).toMatchObject({ code: 0 });
    else expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/✓ Rolled back to r2/) });
    expect(await run(['history', 'shop', '--limit', '1'])).toMatchObject({
      stdout: expect.stringMatching(/^RELEASE .*\n.*\n$/),
      stderr: expect.stringMatching(/^\d more: --limit 21\n$/),
    });
    expect((await run(['describe', 'app', 'shop'])).stdout).toMatch(
      /In local: r2 serves[\s\S]*on hold .* by admin: slipway resume shop/,
    );
    // What was gone back from is still what is applied: lifting the hold releases it.
    expect(await run(['resume', 'shop'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is released at once[\s\S]*--yes/),
    });
    expect(await run(['resume', 'shop', '--yes'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('what was applied is released now'),
    });
  });
});

describe('looking after it', () => {
  test('a secret goes in and never comes out', async () => {
    const value = 'correct horse battery staple';
    expect(await run(['secret', 'set', 'db', 'password'], { input: value })).toMatchObject({ code: 0 });
    const listed = await run(['secret', 'list']);
    expect(listed.stdout).toMatch(/^NAME +KEY +DIGEST +AGE\ndb +password +\S+/);
    const all = await run(['get', 'secret', 'db', '-o', 'json']);
    expect(listed.stdout + all.stdout).not.toContain(value);
    const literal = await run(['secret', 'set', 'db', 'user', '--from-literal', 'shop']);
    expect(literal).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('where ps and the shell history keep it'),
    });
    expect(await run(['secret', 'delete', 'db', 'user', '--yes'])).toMatchObject({ code: 0 });
    expect((await run(['secret', 'list'])).stdout).not.toContain('user');
  });

  test('a token works until it is revoked, and only for what it may', async () => {
    const created = await run(['token', 'create', 'ci', '--role', 'viewer']);
    const env = { SLIPWAY_TOKEN: created.stdout.trim() };
    expect(await run(['get', 'app', '-o', 'name'], { env })).toMatchObject({
      code: 0,
      stdout: 'application/shop\n',
    });
    expect((await run(['restart', 'shop'], { env })).code).toBe(1);
    expect((await run(['token', 'list'])).stdout).toMatch(/^ci +viewer/m);
    expect(await run(['token', 'revoke', 'ci', '--yes'])).toMatchObject({ code: 0 });
    expect((await run(['get', 'app'], { env })).code).toBe(1);
  });

  test('a backup comes back after down', async () => {
    const file = join(directory, 'saved.db');
    expect(await run(['backup', file])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^✓ Saved to/),
    });
    expect((await run(['backup', file])).code).toBe(1);
    expect(await run(['restore', file, '--yes'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Slipway is up on'),
    });
    expect(await run(['down', '--yes'])).toMatchObject({ code: 0 });
    expect(await run(['restore', file, '--yes'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^✓ Restored \d+ objects/),
    });
    // A backup holds objects alone: elsewhere, artifacts and keys would be missing.
    const elsewhere = await run(['restore', file, '--yes', '--data', join(directory, 'elsewhere')]);
    expect(elsewhere.stdout).toMatch(/! \d+ secrets? cannot be read without their key: copy keys\//);
    const [here, away] = [join(data, 'artifacts'), join(data, 'artifacts-away')];
    renameSync(here, away);
    const without = /! \d+ revisions? cannot start anew, the artifacts are not in .*shop-local-r\d/;
    expect((await run(['restore', file, '--yes'])).stdout).toMatch(without);
    expect((await run(['up'])).stdout).toMatch(without);
    expect(await run(['down', '--yes'])).toMatchObject({ code: 0 });
    rmSync(here, { recursive: true });
    renameSync(away, here);
    const up = await run(['up']);
    expect(up.code).toBe(0);
    expect(up.stdout).not.toContain('cannot start anew');
    expect((await run(['get', 'app', '-o', 'name'])).stdout).toBe('application/shop\n');
    expect(readFileSync(file).length).toBeGreaterThan(0);
  });

  test('a diff names what another person would change, and not who changed it', async () => {
    const made = await run(['token', 'create', 'lee', '--role', 'developer']);
    const token = made.stdout.match(/slw_\S+/)?.[0] ?? '';
    writeFileSync(join(directory, 'longer.yaml'), APP.replace('grace: 2s', 'grace: 3s'));
    const ended = await run(['diff', '-f', 'longer.yaml'], { env: { SLIPWAY_TOKEN: token } });
    expect(ended, ended.stderr).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('+ spec.workload.drain.grace: "3s"'),
    });
    expect(ended.stdout).not.toContain('slipway.dev/changed-by');
  });

  test('an environment and its application in one file go in one run', async () => {
    const environment = 'apiVersion: slipway.dev/v1alpha1\nkind: Environment\nmetadata: { name: stage }\n';
    const application = APP.replace('name: shop', 'name: pair').replace('shop.localhost', 'pair.localhost');
    writeFileSync(
      join(directory, 'pair.yaml'),
      `${environment}spec: {}\n---\n${application}  environments: { stage: {} }\n  release: manual\n`,
    );
    expect(await run(['apply', '-f', 'pair.yaml'])).toMatchObject({ code: 0 });
    expect(await run(['release', 'pair', '-e', 'stage', '--watch'])).toMatchObject({ code: 0 });
    expect(await run(['delete', '-f', 'pair.yaml', '--yes', '--no-wait'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('An environment goes when its applications have gone'),
    });
    const gone = await run(['delete', '-f', 'pair.yaml', '--yes']);
    expect(gone, gone.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/application\/pair is gone\n[\s\S]*environment\/stage is gone\n$/),
    });
  });

  test('deleting says to whom it happens, and waits until all is gone', async () => {
    expect(await run(['delete', 'app', 'sho', '--yes'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('only the beginning of a name'),
    });
    expect(await run(['delete', 'app', 'shop'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/its users get no answer any more/),
    });
    expect(await run(['delete', 'app', 'shop', '--yes'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/application\/shop is gone/),
    });
    expect((await run(['get', 'app'])).stderr).toMatch(/There are no applications in namespace default/);
  });
});
