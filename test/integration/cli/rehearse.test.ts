import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, SLIPWAY, slipway } from '../../support/slipway-process.ts';

const ROOT = join(SLIPWAY, '..', '..');
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-rehearse-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** There is no manager: the data directory is empty. */
const rehearse = (...args: string[]): Promise<Ended> =>
  slipway(['rehearse', ...args], { cwd: ROOT, env: { SLIPWAY_DATA: directory, NO_COLOR: '1' } });

/** The example shop with something else in its file; every variant is one that `plan` accepts. */
function planted(name: string, from: string | RegExp, to: string): string {
  const text = readFileSync(join(ROOT, 'examples', 'shop', 'app.yaml'), 'utf8');
  expect(text).toMatch(from);
  const file = join(directory, `${name}.yaml`);
  writeFileSync(file, text.replace(from, to));
  return file;
}

describe('the examples', () => {
  test.each(['shop', 'web-server', 'worker'])('%s ends well on every day of a round', async (example) => {
    const { code, stdout } = await rehearse('-f', `examples/${example}/app.yaml`, '--runs', '20');
    expect(stdout).toMatch(/^✓ All 20 runs ended well/);
    expect(code).toBe(0);
    expect(stdout).toMatch(/the new version never gets ready +1 +0 +1 +0/);
    expect(stdout).toMatch(/^lowest .*\nlongest wait /m);
    expect(stdout).toContain('requests take 5.0 s at the most (--longest-request)');
  });
});

describe('a file that plan accepts and a rehearsal does not', () => {
  test.each<[string, () => string[], RegExp]>([
    [
      'a drain that is shorter than the longest request',
      () => ['-f', 'examples/shop/app.yaml', '--longest-request', '45s'],
      /drain\.timeout of shop is 30s, and a request may take 45 s/,
    ],
    [
      'a probe that passes before the application serves',
      () => ['-f', 'examples/shop/app.yaml', '--serves-after', '3s'],
      /The readiness probe GET \/healthz of shop passes 3\.0 s before it serves/,
    ],
    [
      'a gate that can never pass',
      () => [
        '-f',
        planted('gate', 'response.status == 200', 'response.status == 200 && response.status == 201'),
      ],
      /Gate smoke cannot pass, .* false for every status from 100 to 599/,
    ],
    [
      'a retention that is shorter than the soak',
      () => [
        '-f',
        planted(
          'soak',
          /scaled: \{\}.*\n {2}gates:/,
          'blueGreen: { pause: [], retention: { time: 20s } }\n  gates:\n    - { after: 2, name: watch, soak: { duration: 2m } }',
        ),
      ],
      /Going back while people still watch is no single flip: the old version is kept warm for 20 s/,
    ],
  ])('%s', async (_, args, says) => {
    const options = args();
    const { code, stdout } = await rehearse(...options, '--runs', '20');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ \d+ of 20 runs broke a promise/);
    expect(stdout).toMatch(says);
    // The command that it names shows the same again.
    const seed = /slipway rehearse .* --seed (\d+)/.exec(stdout)?.[1] ?? '';
    const alone = await rehearse(...options, '--seed', seed);
    expect(alone).toMatchObject({ code: 1, stdout: expect.stringMatching(says) });
    expect(alone.stdout).toMatch(/Run \d+: .*\n.*people +apply: applied/);
  });
});

test('-o json is the report, and the same each time', async () => {
  const once = () => rehearse('-f', 'examples/shop/app.yaml', '--runs', '2', '-o', 'json');
  const [first, second] = [await once(), await once()];
  expect(first.stdout).toBe(second.stdout);
  expect(JSON.parse(first.stdout)).toMatchObject({
    application: 'shop',
    runs: 2,
    bad: 0,
    findings: [],
    story: null,
  });
});

test('a file of assumptions is read, and the options go before it', async () => {
  const file = join(directory, 'assume.yaml');
  writeFileSync(file, 'longestRequest: 45s\ngates:\n  smoke: { json: { version: 2 }, takes: 200ms }\n');
  const args = ['-f', 'examples/shop/app.yaml', '--assume', file, '--longest-request', '1s', '--runs', '1'];
  const { code, stdout } = await rehearse(...args, '-o', 'json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout).assumptions).toMatchObject({
    longestRequestMs: 1_000,
    gates: { smoke: { takes: '200ms' } },
  });
});

test('what plan refuses is not played', async () => {
  const file = planted(
    'small',
    /$/,
    '---\napiVersion: slipway.dev/v1alpha1\nkind: Environment\nmetadata: { name: production }\nspec: { maxInstances: 7 }\n',
  );
  const { code, stderr } = await rehearse('-f', file, '-e', 'production');
  expect(stderr).toMatch(
    /cannot be released to production[\s\S]*needs 10 instances at its widest and the environment allows 7/,
  );
  expect(code).toBe(2);
});

test.each<[string, string[], number, RegExp]>([
  ['nothing to rehearse', [], 2, /What is to be rehearsed\?\n {2}slipway rehearse -f app\.yaml/],
  ['a file where a name belongs', ['app.yaml'], 2, /slipway rehearse -f app\.yaml/],
  ['no number', ['-f', 'x', '--runs', 'many'], 2, /--runs many is no number of runs/],
  ['no duration', ['-f', 'x', '--starts-in', '5'], 2, /--starts-in 5 is no duration.\n {2}Allowed/],
  ['a file that is not there', ['-f', 'nowhere.yaml'], 2, /nowhere\.yaml does not exist/],
  ['assumptions that are not there', ['-f', 'x', '--assume', 'no.yaml'], 2, /no\.yaml does not exist/],
  ['an application without a manager', ['shop'], 5, /Slipway is not up here/],
])('%s is refused with what to run', async (_, args, code, says) => {
  const ended = await rehearse(...args);
  expect(ended.stderr).toMatch(says);
  expect(ended.code).toBe(code);
});
