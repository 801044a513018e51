import { describe, expect, test } from 'vitest';
import { LIMITS, parseManifest } from './parse.ts';

const parse = (text: string) => parseManifest({ file: 'app.yaml', text });
const problems = (text: string): string[] => {
  const parsed = parse(text);
  return parsed.ok
    ? []
    : parsed.problems.map(({ position, message }) => `${position.line}:${position.column} ${message}`);
};
const values = (text: string): unknown[] => {
  const parsed = parse(text);
  return parsed.ok ? parsed.documents.map(({ value }) => value) : ['refused'];
};

describe('what is read', () => {
  test.each<[string, string, unknown[]]>([
    ['one document', 'a: 1\n', [{ a: 1 }]],
    ['several, empty ones between', '# c\n---\na: 1\n---\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
    ['JSON, with tabs', '{\n\t"a": 1,\n\t"b": [1, 2]\n}\n', [{ a: 1, b: [1, 2] }]],
    ['YAML 1.2: no is a word', 'a: no\n', [{ a: 'no' }]],
    ['an alias', 'a: &x [1]\nb: *x\n', [{ a: [1], b: [1] }]],
    ['nothing', '', []],
    ['a byte order mark', '\ufeffa: 1\n', [{ a: 1 }]],
    ['Windows line ends', 'a: 1\r\nb: 2\r\n', [{ a: 1, b: 2 }]],
  ])('%s', (_, text, expected) => {
    expect(values(text)).toEqual(expected);
  });
});

describe('what is refused, and where', () => {
  test.each<[string, string, string]>([
    [
      'a key twice',
      'a: 1\nb:\n  c: 1\n  c: 2\n',
      '4:3 the key "c" stands twice in one map; keep one of the two',
    ],
    [
      'a key twice in JSON',
      '{"a": 1, "a": 2}',
      '1:10 the key "a" stands twice in one map; keep one of the two',
    ],
    ['a tab as indentation', 'a:\n\tb: 1\n', '2:1 a tab as indentation; YAML allows spaces alone'],
    ['a list that does not end', 'a: [1, 2\nb: 3', '2:1 flow sequence'],
    ['an unknown tag', 'a: !foo 1\n', '1:4 unresolved tag: !foo'],
    ['a map as key', '? [a, b]\n: c\n', '1:3 with stringKeys, all keys must be strings'],
    [
      'prototype pollution',
      'a:\n  __proto__: { admin: true }\n',
      '2:3 "__proto__" is no key that is allowed',
    ],
    ['nesting in brackets', '['.repeat(500_000), '1:1 nested deeper than 64 levels'],
    ['nesting in maps', '{a: '.repeat(200_000), '1:1 nested deeper than 64 levels'],
    ['nesting by dashes', `${'- '.repeat(300_000)}a`, '1:1 nested deeper than 64 levels'],
    [
      'nesting by indentation',
      Array.from({ length: 70 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      '65:65 nested deeper than 64 levels',
    ],
    ['an alias in itself', 'a: &a [*a]', '1:8 an alias inside of what it stands for'],
    ['a merge of itself', 'a: &a\n  <<: *a', '2:7 an alias inside of what it stands for'],
    [
      'too many values',
      Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n'),
      '1:1 more than 20000 values in one file',
    ],
    [
      'a file that is too large',
      'a'.repeat(LIMITS.bytes + 1),
      `1:1 the file has ${LIMITS.bytes + 1} bytes; at most ${LIMITS.bytes} are read`,
    ],
    [
      'too many documents',
      '---\na: 1\n'.repeat(LIMITS.documents + 1),
      `1:1 more than ${LIMITS.documents} documents in one file`,
    ],
  ])('%s', (_, text, expected) => {
    const found = problems(text);
    expect(found[0]?.startsWith(expected), `${found[0]}`).toBe(true);
  });

  test('aliases that would grow without end', () => {
    const levels = 'abcdefghijkl';
    const bomb = [...levels].map((name, at) =>
      at === 0
        ? `a: &a [x,x,x,x,x,x,x,x,x]`
        : `${name}: &${name} [${Array(9)
            .fill(`*${levels[at - 1]}`)
            .join(',')}]`,
    );
    expect(problems(bomb.join('\n'))[0]).toMatch(/^1:1 excessive alias count/i);
  });

  test('hostile files take no longer than an honest one', () => {
    const hostile = [
      '['.repeat(1_000_000),
      '- '.repeat(500_000),
      '{a: '.repeat(250_000),
      Array.from({ length: 90_000 }, (_, i) => `k${i}: 1`).join('\n'),
    ];
    const begun = performance.now();
    for (const text of hostile) expect(problems(text)).not.toEqual([]);
    // Seconds, not the minutes that parsing them takes; generous, since machines are shared.
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe('positions', () => {
  const text =
    'spec:\n  workload:\n    command: [node, server.js]\n    port:\n  routes:\n    - { host: a, path: / }\n    - host: b\n';
  const parsed = parse(text);
  const document = parsed.ok ? parsed.documents[0] : undefined;
  test.each<[string, (string | number)[], 'key' | 'value', string]>([
    ['a value', ['spec', 'workload', 'command', 1], 'value', '3:21'],
    ['a key', ['spec', 'workload', 'command'], 'key', '3:5'],
    ['an empty value: its key', ['spec', 'workload', 'port'], 'value', '4:5'],
    ['what is missing: the key that should hold it', ['spec', 'workload', 'replicas'], 'value', '2:3'],
    ['in a flow map', ['spec', 'routes', 0, 'path'], 'value', '6:24'],
    ['beyond the end of a list', ['spec', 'routes', 7, 'path'], 'value', '5:3'],
    ['the whole document', [], 'value', '1:1'],
  ])('%s', (_, path, part, expected) => {
    const position = document?.position(path, part);
    expect(`${position?.line}:${position?.column}`).toBe(expected);
  });
});
