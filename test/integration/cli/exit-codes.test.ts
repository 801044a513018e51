import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataDirectory } from '../../../src/embedded/data-directory.ts';
import { runProcess, SLIPWAY, slipway } from '../../support/slipway-process.ts';

let directory: string;
let env: Record<string, string>;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-cli-'));
  mkdirSync(join(directory, 'data'));
  mkdirSync(join(directory, 'empty'));
  env = { SLIPWAY_DATA: join(directory, 'data'), NO_COLOR: '1' };
  // Nobody listens on port 1 of loopback.
  writeFileSync(
    join(directory, 'data', 'client.json'),
    JSON.stringify({ server: 'https://127.0.0.1:1', ca: '', token: 'slw_x' }),
  );
  writeFileSync(
    join(directory, 'bad.yaml'),
    'apiVersion: slipway.dev/v1alpha1\nkind: Application\nmetadata: { name: shop }\nspec:\n  workload:\n    command: [node]\n    replica: 6\n',
  );
  writeFileSync(join(directory, 'tabs.yaml'), 'a:\n\tb: 1\n');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const run = (args: readonly string[], input = '') => slipway(args, { env, cwd: directory, input });

describe('exit codes, and what is said', () => {
  test.each<[string, string[], number, RegExp]>([
    ['help', ['--help'], 0, /^Usage: slipway/],
    ['help on a topic', ['help', 'exit-codes'], 0, /4 {2}the release did not succeed/],
    ['help on a command', ['help', 'get'], 0, /^Usage: slipway get/],
    ['a version without a manager', ['version'], 0, /^slipway \d/],
    ['the version, as other programs are asked for it', ['--version'], 0, /^slipway \d\S* \(Node v\d+/],
    ['no command', [], 2, /^Usage: slipway/],
    ['an unknown command', ['relaese'], 2, /unknown command 'relaese'\n\(Did you mean release\?\)/],
    [
      'an unknown option',
      ['get', 'releases', '--wtach'],
      2,
      /unknown option '--wtach'\n\(Did you mean --watch\?\)/,
    ],
    ['an unknown topic', ['help', 'exit-code'], 2, /Did you mean exit-codes\?/],
    ['an unknown kind', ['get', 'relase'], 2, /^✗ There is no kind "relase"\.\n {2}Did you mean release\?/],
    ['a missing argument', ['why'], 2, /missing required argument 'release\|application'/],
    [
      'an unknown format',
      ['get', 'releases', '-o', 'xml'],
      2,
      /--output xml is not known\.\n {2}Allowed: json, yaml, name, wide/,
    ],
    [
      'a file with a mistake',
      ['apply', '-f', 'bad.yaml'],
      2,
      /^✗ bad\.yaml has one problem; nothing was changed\.\n\nbad\.yaml:7:5: spec\.workload\.replica: .*did you mean replicas\?\n {2}7 \| {5}replica: 6\n {4}\| {5}\^/,
    ],
    ['a file with tabs', ['plan', '-f', 'tabs.yaml'], 2, /tabs\.yaml:2:1: a tab as indentation/],
    ['a directory without files', ['apply', '-f', 'empty'], 2, /There is no YAML or JSON file in empty\./],
    ['a file that is not there', ['apply', '-f', 'nothing.yaml'], 2, /^✗ nothing\.yaml does not exist/],
    ['no file', ['diff'], 2, /No file was named/],
    [
      'a file without -f',
      ['apply', 'app.yaml'],
      2,
      /files are named by -f\.\n {2}slipway apply -f app\.yaml\n/,
    ],
    ['a file as a name', ['release', './app.yaml'], 2, /slipway release -f \.\/app\.yaml\n/],
    ['a file to plan', ['plan', 'app.yml'], 2, /slipway plan -f app\.yml\n/],
    ['a file to delete', ['delete', 'app.yaml'], 2, /slipway delete -f app\.yaml\n/],
    ['a word that is no file', ['diff', 'shop'], 2, /diff takes files alone; "shop" is none/],
    ['a bad hash', ['release', 'shop', '--plan', 'xyz'], 2, /is no hash of a plan/],
    ['no manager', ['get', 'releases'], 5, /^✗ no manager answers at 127\.0\.0\.1:1\n {2}slipway up\n$/],
    ['no manager for status', ['status'], 5, /^✗ Slipway is not up: .*\n {2}slipway up/],
    ['no manager to watch', ['get', 'releases', '--watch'], 5, /no manager answers/],
    ['init twice', ['init', '.', '-f', 'bad.yaml'], 1, /bad\.yaml exists already; nothing was written/],
    ['a completion that is not', ['completion', 'tcsh'], 2, /Allowed: bash, zsh, fish/],
    ['restore of nothing', ['restore', 'nothing.db', '--yes'], 2, /there is no such file/],
    ['restore without a yes', ['restore', 'nothing.db'], 1, /This replaces everything[\s\S]*not confirmed/],
    ['down where nothing runs', ['down'], 0, /No Slipway runs on/],
  ])('%s', async (_, args, code, text) => {
    const ended = await run(args);
    expect(ended.stdout + ended.stderr).toMatch(text);
    expect(ended.stderr).not.toMatch(/\n\s+at .*:\d+:\d+/);
    expect(ended.code).toBe(code);
  });

  test('where there is no client.json, it says how to begin', async () => {
    const ended = await slipway(['get', 'releases'], { env: { SLIPWAY_DATA: join(directory, 'empty') } });
    expect(ended).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/^✗ Slipway is not up here \(no client\.json in .*\)\.\n {2}slipway up/),
    });
  });

  test.each<[string, string, RegExp]>([
    [
      'there is no client.json',
      'empty',
      /^✗ Slipway is not up here \(no client\.json in .*\)\.\n {2}slipway up\n$/,
    ],
    ['nothing answers', 'data', /^✗ Slipway is not up: no manager answers at .*\n {2}slipway up\n$/],
  ])('status where %s: an error for people, an answer for programs', async (_, data, says) => {
    const where = { env: { SLIPWAY_DATA: join(directory, data), NO_COLOR: '1' } };
    const told = await slipway(['status'], where);
    expect(told).toMatchObject({ code: 5, stdout: '', stderr: expect.stringMatching(says) });
    const asked = await slipway(['status', '-o', 'json'], where);
    expect(JSON.parse(asked.stdout)).toMatchObject({ slipway: { manager: null, supervisor: null } });
    expect(asked).toMatchObject({ code: 5, stderr: '' });
  });

  test('an address that is used is not remembered for the next start', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const data = join(directory, 'taken');
    const ended = await slipway(['up', '--http', String(port), '--api', '0', '--app-user', 'self'], {
      env: { SLIPWAY_DATA: data },
    });
    taken.close();
    expect(ended.stderr).toMatch(/✗ .*is used|✗ .*in use/);
    expect(ended.code).not.toBe(0);
    expect(existsSync(dataDirectory(data).settingsFile)).toBe(false);
  });

  test.each([['-o', 'json'], ['-ojson'], ['--output=json']])('an error as data: %s', async (...asked) => {
    const ended = await run(['apply', '-f', 'nowhere.yaml', ...asked]);
    expect(JSON.parse(ended.stderr)).toMatchObject({
      error: {
        code: 'badRequest',
        message: expect.stringContaining('nowhere.yaml does not exist'),
        next: expect.stringContaining('slipway init'),
      },
    });
    expect(ended.code).toBe(2);
    const bad = await run(['apply', '-f', 'bad.yaml', ...asked]);
    expect(JSON.parse(bad.stderr).error).toMatchObject({
      code: 'invalid',
      details: [{ path: 'spec.workload.replica', file: 'bad.yaml', line: 7 }],
    });
  });

  test.each([
    ['plan', 'name'],
    ['why', 'wide'],
  ])('%s has no -o %s', async (verb, format) => {
    const ended = await run([verb, 'shop', '-o', format]);
    expect(ended).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        new RegExp(`^✗ ${verb} has no -o ${format}\\.\n {2}Allowed: json, yaml\\.`),
      ),
    });
  });

  test('a token of one manager is never sent to another', async () => {
    const ended = await run(['get', 'releases', '--server', 'https://127.0.0.1:2']);
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/There is no token for https:\/\/127\.0\.0\.1:2/),
    });
  });

  test('a file on standard input', async () => {
    const ended = await run(['apply', '-f', '-'], readFileSync(join(directory, 'bad.yaml'), 'utf8'));
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('-:7:5: spec.workload.replica') });
  });

  test('a stack trace with --verbose', async () => {
    expect((await run(['get', 'releases', '--verbose'])).stderr).toMatch(
      /\n\s+at [\s\S]*caused by .*ECONNREFUSED/,
    );
  });

  test('a reader that goes away is no error', async () => {
    const ended = await runProcess(['/bin/sh', '-c', `"${SLIPWAY}" completion bash | head -1; exit 0`]);
    expect(ended).toMatchObject({ code: 0, stdout: '# bash completion of slipway\n', stderr: '' });
  });

  test('colours only where they are wanted', async () => {
    const plain = await slipway(['version'], { env: { ...env, NO_COLOR: '' } });
    expect(plain.stdout).not.toContain('\x1b');
    const coloured = { cwd: directory, env: { ...env, NO_COLOR: '', FORCE_COLOR: '1' } };
    const forced = await slipway(['init', '.', '-f', 'coloured.yaml'], coloured);
    expect(forced.stdout).toContain('\x1b[33m!');
    const refused = await slipway(['init', '.', '-f', 'plain.yaml', '--no-color'], coloured);
    expect(refused.stdout).toMatch(/^! Wrote/);
    expect(refused.stdout).not.toContain('\x1b');
  });
});

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('%s names every command', async (shell) => {
    const { stdout, code } = await run(['completion', shell]);
    expect(code).toBe(0);
    for (const word of ['release', 'rollback', 'receipt', 'why']) expect(stdout).toContain(word);
  });

  test.skipIf(!existsSync('/bin/bash'))('bash completes commands, kinds and shells', async () => {
    const complete = async (...words: string[]): Promise<string[]> => {
      const script = `source <("${SLIPWAY}" completion bash); COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _slipway; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return (await runProcess(['bash', '-c', script], { env, cwd: join(directory, 'empty') })).stdout
        .trim()
        .split('\n');
    };
    expect(await complete('slipway', 'rel')).toEqual(['release']);
    expect(await complete('slipway', 'get', 'gate')).toEqual(['gateruns']);
    expect(await complete('slipway', 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  /** A manager of which the names are known. */
  const MANAGER = `slipway() { case "$*" in
    "get environments -o name") echo environment/local; echo environment/staging ;;
    "get applications -o name") echo application/shop ;;
    "get releases") printf 'NAME PHASE AGE\\nshop-local-r1 Succeeded 1s\\nshop-local-r2 Paused 1s\\n' ;;
    "get releases -o name") echo release/shop-local-r1 ;;
    "get revisions -o name") echo revision/shop-local-r1; echo revision/shop-staging-r1 ;;
    "release --help") echo '  -a, --artifact <path>  a directory' ;;
  esac; }`;
  test.each<[string, string[], string[]]>([
    ['an environment', ['release', 'shop', '-e', ''], ['local', 'staging']],
    ['a format', ['get', 'app', '-o', 'j'], ['json']],
    ['a revision', ['rollback', 'shop', '--to', ''], ['r1']],
    ['an option', ['release', '--art'], ['--artifact']],
    ['an option of every command', ['release', '--na'], ['--namespace']],
    ['what has not ended', ['abort', ''], ['shop', 'shop-local-r2']],
    ['what has', ['receipt', ''], ['shop', 'shop-local-r1']],
    ['a topic', ['help', 'exit'], ['exit-codes']],
    ['a verb of secrets', ['secret', 's'], ['set']],
  ])('bash completes %s', async (_, words, expected) => {
    const script = [
      MANAGER,
      `source <("${SLIPWAY}" completion bash)`,
      `COMP_WORDS=(slipway ${words.map((word) => `'${word}'`).join(' ')})`,
      `COMP_CWORD=${words.length}`,
      '_slipway',
      `printf '%s\\n' "\${COMPREPLY[@]}"`,
    ].join('\n');
    const ended = await runProcess(['/bin/bash', '-c', script]);
    expect(ended.stdout.trimEnd().split('\n')).toEqual(expected);
  });
});
