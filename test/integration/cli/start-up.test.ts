import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { type Ended, runProcess, SLIPWAY, slipway } from '../../support/slipway-process.ts';

/** Prints every module that was resolved, at the end of the process. */
const HOOK = `import module from 'node:module';
const urls = new Set();
module.registerHooks({ resolve(specifier, context, next) { const found = next(specifier, context); urls.add(found.url); return found; } });
process.on('exit', () => process.stderr.write([...urls].map((url) => 'MODULE ' + url + '\\n').join('')));`;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-start-'));
  writeFileSync(join(directory, 'hook.mjs'), HOOK);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const modulesOf = ({ stderr }: Ended): string[] =>
  stderr.split('\n').flatMap((line) => (line.startsWith('MODULE ') ? [line.slice('MODULE '.length)] : []));
const traced = async (args: readonly string[]): Promise<string[]> =>
  modulesOf(
    await slipway(args, {
      env: {
        NODE_OPTIONS: `--import ${pathToFileURL(join(directory, 'hook.mjs')).href}`,
        SLIPWAY_DATA: directory,
      },
    }),
  );

/** What only the manager, the agent and application files need. */
const HEAVY = /node_modules\/(?:zod|fastify|yaml|ws|pino|tar|reflect-metadata|@clack|@peculiar|@bufbuild)\//;

describe('in a directory that was deleted', () => {
  const gone = (args: string) => {
    const at = join(directory, 'gone');
    mkdirSync(at, { recursive: true });
    return runProcess(['sh', '-c', `cd "${at}" && rmdir "${at}" && exec "${SLIPWAY}" ${args}`]);
  };
  test('what needs no path works', async () =>
    expect(await gone('version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^slipway \d/) }));
  test('what needs one says so, without a stack', async () => {
    const { code, stderr } = await gone('apply -f app.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain(
      '✗ The current directory was deleted, and relative paths lead nowhere.\n  cd to',
    );
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

describe('what is loaded at the start', () => {
  test.each<[string, string[]]>([
    ['--help', ['--help']],
    ['help on a command', ['get', '--help']],
    ['get', ['get', 'releases']],
    ['why', ['why', 'shop']],
    ['a release verb', ['promote', 'shop']],
    ['completion', ['completion', 'bash']],
    ['version', ['version']],
    ['help on a rehearsal', ['rehearse', '--help']],
  ])('%s loads no heavy module', async (_, args) => {
    const modules = await traced(args);
    expect(modules.length).toBeGreaterThan(5);
    expect(modules.filter((url) => HEAVY.test(url))).toEqual([]);
    // Neither the server's modules: its client and what both share is all.
    expect(
      modules.filter((url) =>
        /\/src\/(?:controllers|engine\/(?!counts)|store|agent|drivers|router|simulator)\//.test(url),
      ),
    ).toEqual([]);
  });

  test('--help loads no command at all', async () => {
    expect((await traced(['--help'])).filter((url) => url.includes('/src/cli/commands/'))).toEqual([]);
  });
});

describe('help', () => {
  test.each(COMMANDS.map(({ name }) => name))('%s has a purpose and a real example', async (name) => {
    const { code, stdout } = await slipway([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: slipway ${name}`));
    expect(stdout).toMatch(/\nExamples?:\n(?: {2}\$ .+\n?)+$/);
  });
});
