import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SlipwayError } from '../lib/errors.ts';
import { parseAddress } from './commands/up.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { appFile } from './init/app-file.ts';
import { detect, nameOf } from './init/detect.ts';
import { artifactPlaces, pinSpec } from './manifest/artifacts.ts';
import { checkDocument } from './manifest/check.ts';
import { parseManifest } from './manifest/parse.ts';
import { probably, resolveName } from './names.ts';
import { nearest } from './nearest.ts';
import { kindNamed, parseTarget, targetMeant } from './objects.ts';
import { explainError } from './report-error.ts';

test.each<[string, string[], string | undefined]>([
  ['gett', ['get', 'delete'], 'get'],
  ['relaese', ['release', 'delete'], 'release'],
  ['Aplication', ['Application'], 'Application'],
  ['xyz', ['get', 'delete'], undefined],
  ['zz', ['tokens'], undefined],
])('nearest to %s', (word, candidates, expected) => {
  expect(nearest(word, candidates)).toBe(expected);
});

describe('names', () => {
  const names = ['shop', 'shop-admin', 'search'];
  test.each([
    ['shop', 'shop'],
    ['shop-', 'shop-admin'],
    ['se', 'search'],
  ])('%s means %s', (word, expected) => {
    expect(resolveName(word, names, 'application')).toBe(expected);
  });
  test('a prefix of several is refused with all of them', () => {
    expect(() => resolveName('sh', names, 'application')).toThrow(
      'application "sh" is not unique: shop or shop-admin.',
    );
  });
  test('a name that is not there is refused with the nearest', () => {
    const thrown = (() => {
      try {
        return resolveName('serch', names, 'application');
      } catch (error) {
        return error as SlipwayError;
      }
    })();
    expect(thrown).toMatchObject({ code: 'notFound', next: 'Did you mean search?' });
  });
});

test.each([
  ['shop-r3', 'shop-local-r3'],
  ['shop-r3-2', 'shop-local-r3-2'],
  ['shpo-local-r3', 'shop-local-r3'],
  ['cart-r3', undefined],
])('a release is probably meant by %s', (word, expected) => {
  expect(probably(word, ['shop-local-r1', 'shop-local-r3', 'shop-local-r3-2'])).toBe(expected);
});

describe('kinds', () => {
  test.each<[string[], string, string[]]>([
    [['app', 'shop'], 'Application', ['shop']],
    [['release/shop-local-r2'], 'Release', ['shop-local-r2']],
    [['app/a', 'app/b', 'c'], 'Application', ['a', 'b', 'c']],
    [['releases'], 'Release', []],
  ])('%j', (words, kind, rest) => {
    const target = parseTarget(words);
    expect([target.kind.kind, target.names]).toEqual([kind, rest]);
  });
  test('an unknown kind is refused with the nearest', () => {
    expect(() => kindNamed('relase')).toThrow('There is no kind "relase".');
  });

  const there = ['Application/web', 'Release/web-local-r1'];
  const find = (kind: string, name: string) =>
    Promise.resolve(there.includes(`${kind}/${name}`) ? { kind } : undefined);
  const connection = { namespace: 'default', api: { find } } as unknown as Parameters<typeof targetMeant>[0];
  const away = {
    ...connection,
    api: { find: () => Promise.reject(new Error('no manager')) },
  } as unknown as typeof connection;
  test.each<[string, string[], typeof connection, object]>([
    [
      'an application',
      ['web'],
      connection,
      { message: 'web is an application, and delete takes the kind first.', next: 'slipway delete app web' },
    ],
    ['a release', ['web-local-r1'], connection, { next: 'slipway delete release web-local-r1' }],
    ['neither', ['we'], connection, { message: 'There is no kind "we".' }],
    ['nobody knows what', ['web'], away, { message: 'There is no kind "web".' }],
  ])('a name where the kind belongs: %s', async (_, words, where, error) => {
    await expect(targetMeant(where, 'delete', words)).rejects.toMatchObject(error);
  });
  test('a kind that is called as an application is is the kind', async () => {
    const all = { find: () => Promise.resolve({}) };
    const where = { ...connection, api: all } as unknown as typeof connection;
    expect(await targetMeant(where, 'get', ['app', 'web'])).toMatchObject({ names: ['web'] });
  });
});

describe('errors', () => {
  test('what happened, where, and what to run next', () => {
    const error = new SlipwayError('refused', 'The plan differs.', {
      next: 'slipway plan shop',
      details: [{ path: 'spec.x', message: 'is 2' }],
    });
    expect(explainError(error, false)).toEqual({
      lines: ['✗ The plan differs.', '  spec.x: is 2', '  slipway plan shop'],
      code: EXIT.failed,
    });
  });
  test('a stack trace only with --verbose', () => {
    const error = new Error('unexpected', { cause: new Error('the deeper one') });
    expect(explainError(error, false).lines.join('\n')).not.toMatch(/\bat /);
    expect(explainError(error, true).lines.join('\n')).toMatch(/\bat .*[\s\S]*caused by .*the deeper one/);
  });
  test('messages of others cannot move the cursor', () => {
    expect(explainError(new SlipwayError('refused', 'a\x1b[2Jb'), false).lines).toEqual(['✗ ab']);
  });
  test.each([
    ['notFound', EXIT.notFound],
    ['unavailable', EXIT.unreachable],
    ['timeout', EXIT.timeout],
    ['invalid', EXIT.usage],
    ['refused', EXIT.failed],
    ['unauthorized', EXIT.failed],
  ] as const)('%s ends with %i', (code, expected) => {
    expect(exitCodeOf(code)).toBe(expected);
  });
});

test.each<[string, unknown]>([
  ['8480', { host: '127.0.0.1', port: 8480 }],
  ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
  ['[::]:80', { host: '::', port: 80 }],
  ['localhost:0', { host: 'localhost', port: 0 }],
])('the address %s', (text, expected) => {
  expect(parseAddress('--http', text)).toEqual(expected);
});
test.each(['', 'http://x', '1:2:3', '70000', ':80'])('no address: %j', (text) => {
  expect(() => parseAddress('--http', text)).toThrow(/is no address/);
});

describe('init', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'slipway-init-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test.each<[string, Record<string, string>, string | null, string[][]]>([
    [
      'a Node package',
      { 'package.json': '{"name":"@acme/Web Shop","scripts":{"start":"node server.js","build":"tsc"}}' },
      'package.json',
      [['node', 'server.js']],
    ],
    [
      'a package without a start script',
      { 'package.json': '{"name":"x"}', 'index.js': '' },
      'package.json',
      [['node', 'index.js']],
    ],
    [
      'a Procfile',
      {
        Procfile: 'web: node server.js\nworker: node worker.js --queue=mail\nrelease: ./migrate\n',
        'package.json': '{}',
      },
      'Procfile',
      [
        ['node', 'server.js'],
        ['sh', '-c', 'exec node worker.js --queue=mail'],
      ],
    ],
    ['a Go module', { 'go.mod': 'module example.com/acme/shop\n\ngo 1.24\n' }, 'go.mod', [['./shop']]],
    [
      'a Python project',
      { 'requirements.txt': 'flask\n', 'app.py': '' },
      'requirements.txt',
      [['python3', 'app.py']],
    ],
    [
      'a Dockerfile alone',
      { Dockerfile: 'FROM x\nCMD ["/server", "--port", "80"]\n' },
      'Dockerfile',
      [['/server', '--port', '80']],
    ],
    ['a script alone', { 'server.js': '', 'index.js': '' }, 'server.js', [['node', 'server.js']]],
    ['a module alone', { 'index.mjs': '' }, 'index.mjs', [['node', 'index.mjs']]],
    [
      'a package with only "main"',
      { 'package.json': '{"main":"lib/start.js"}' },
      'package.json',
      [['node', 'lib/start.js']],
    ],
    ['a package that starts nothing', { 'package.json': '{"devDependencies":{}}' }, null, []],
    [
      'a start script with the program of a package',
      { 'package.json': '{"scripts":{"start":"vite preview"}}', 'node_modules/.bin/vite': '' },
      'package.json',
      [['./node_modules/.bin/vite', 'preview']],
    ],
    ['only workers', { Procfile: 'mailer: ./mailer\n' }, 'Procfile', [['./mailer']]],
    ['an unreadable package.json', { 'package.json': '{' }, null, []],
    ['nothing known', {}, null, []],
  ])('%s', (_, files, from, commands) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(directory, name, '..'), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
    const detected = detect(directory);
    expect([detected.from, detected.processes.map(({ command }) => command)]).toEqual([from, commands]);
    // What is written is a file that apply takes.
    const parsed = parseManifest({ file: 'app.yaml', text: appFile(detected) });
    const checked = parsed.ok && parsed.documents[0] ? checkDocument(parsed.documents[0]) : parsed;
    expect(checked).toMatchObject({ ok: true });
  });

  test.each<[string, Record<string, string>, string | null]>([
    ['nothing to build', { 'package.json': '{"scripts":{"start":"node ."}}' }, null],
    ['packages', { 'package.json': '{"main":"a.js","dependencies":{"x":"1"}}' }, 'npm install'],
    [
      'locked packages and a build',
      { 'package.json': '{"main":"a.js","scripts":{"build":"tsc"}}', 'package-lock.json': '{}' },
      'npm ci && npm run build',
    ],
  ])('what to run before: %s', (_, files, build) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    expect(detect(directory).build).toBe(build);
  });

  test('the readiness probe that is written does not flood access logs', () => {
    writeFileSync(join(directory, 'server.js'), '');
    expect(appFile(detect(directory))).toContain('interval: 1s');
  });

  test.each([
    ['@acme/Web Shop', 'web-shop'],
    ['___', 'app'],
    ['a'.repeat(80), 'a'.repeat(40)],
    ['-x.y-', 'x-y'],
  ])('the name of %s', (text, expected) => {
    expect(nameOf(text)).toBe(expected);
  });
});

describe('artifacts', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  test('every place where one may stand', () => {
    const spec = {
      workloads: { web: { artifact: 'a' }, job: {} },
      environments: {
        staging: { workloads: { web: { artifact: 'b' } } },
        dev: { workload: { artifact: 'c' } },
      },
    };
    expect([...artifactPlaces('shop', spec)].map(({ workload, at }) => [workload, at.artifact])).toEqual([
      ['web', 'a'],
      ['job', undefined],
      ['web', 'b'],
      ['shop', 'c'],
    ]);
  });

  test('a directory becomes its digest, uploaded once; the file stays as it is', async () => {
    const uploads: string[] = [];
    const spec = {
      workloads: { web: { artifact: '.' }, worker: { artifact: '.' }, pinned: { artifact: `x@${digest}` } },
    };
    const api = {
      hasArtifact: () => Promise.resolve(false),
      upload: (name: string) => {
        uploads.push(name);
        return Promise.resolve({ digest: name, size: 1 });
      },
    };
    const pack = () =>
      Promise.resolve({
        digest,
        size: 1,
        open: () => undefined as never,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    const options = { api: api as never, pack, directory: tmpdir(), upload: true };
    const { spec: pinned } = await pinSpec('shop', spec, options);
    expect(pinned.workloads).toEqual({
      web: { artifact: `web@${digest}` },
      worker: { artifact: `worker@${digest}` },
      pinned: { artifact: `x@${digest}` },
    });
    expect(uploads).toEqual([digest]);
    expect(spec.workloads.web.artifact).toBe('.');
    await pinSpec('shop', spec, { ...options, upload: false });
    expect(uploads).toHaveLength(1);
  });

  test('the application files are kept apart from what they name', async () => {
    const asked: (readonly string[])[] = [];
    const pack = (_path: string, apart: readonly string[]) => {
      asked.push(apart);
      return Promise.reject(new SlipwayError('invalid', 'asked'));
    };
    const options = { api: {} as never, pack, directory: tmpdir(), upload: false, apart: ['/x/prod.json'] };
    await expect(pinSpec('shop', { workload: { artifact: '.' } }, options)).rejects.toThrow('asked');
    expect(asked).toEqual([['/x/prod.json']]);
  });

  test('one that does not exist is refused with its place', async () => {
    const options = {
      api: {} as never,
      pack: () => Promise.reject(new Error('not asked')),
      directory: tmpdir(),
      upload: true,
    };
    await expect(pinSpec('shop', { workload: { artifact: './no-such-directory' } }, options)).rejects.toThrow(
      /The artifact \.\/no-such-directory of shop does not exist/,
    );
  });
});
