import { describe, expect, test } from 'vitest';
import { checkDocument } from './check.ts';
import { parseManifest } from './parse.ts';
import { parsePath } from './path-text.ts';
import { formatProblem } from './source.ts';

const APP = `apiVersion: slipway.dev/v1alpha1
kind: Application
metadata: { name: shop }
spec:
  workload:
    artifact: ./dist
    command: [node, server.js]
    port: { env: PORT }
    replicas: 6
    readiness: { http: { path: /healthz } }
`;

function check(text: string): string[] {
  const parsed = parseManifest({ file: 'app.yaml', text });
  if (!parsed.ok) return parsed.problems.map(({ message }) => message);
  return parsed.documents.flatMap((document) => {
    const checked = checkDocument(document);
    return checked.ok
      ? []
      : checked.problems.map(
          ({ position, path, message }) => `${position.line}:${position.column} ${path}: ${message}`,
        );
  });
}

test('a file that is right', () => {
  expect(check(APP)).toEqual([]);
});

describe('what is wrong is said with its place, what was found and what is allowed', () => {
  test.each<[string, string, RegExp]>([
    [
      'unknown field',
      APP.replace('replicas: 6', 'replica: 6'),
      /^9:5 spec\.workload\.replica: .*allowed.*did you mean replicas\?$/,
    ],
    [
      'wrong type',
      APP.replace('replicas: 6', 'replicas: many'),
      /^9:15 spec\.workload\.replicas: found "many", allowed: a number/,
    ],
    [
      'unknown field of an override, which the file has elsewhere',
      `${APP}  environments: { staging: { workload: { replcas: 2 } } }\n`,
      /spec\.environments\.staging\.workload\.replcas: .*did you mean replicas\?$/,
    ],
    [
      'a merge key',
      APP.replace('    replicas: 6\n', '    <<: { replicas: 6 }\n'),
      /^9:5 spec\.workload.*<<.*: merge keys are not read; write the fields out/,
    ],
    [
      'a port as a number',
      APP.replace('port: { env: PORT }', 'port: 8080'),
      /^8:11 spec\.workload\.port: found 8080, allowed: \{ env: PORT \}: the application listens on the port that/,
    ],
    [
      'a port as a number in an override',
      `${APP}  environments: { staging: { workload: { port: 80 } } }\n`,
      /spec\.environments\.staging\.workload\.port: found 80, allowed: \{ env: PORT \}/,
    ],
    [
      'an unknown field of a port',
      APP.replace('port: { env: PORT }', 'port: { number: 80 }'),
      /spec\.workload\.port\.number: there is no such field; allowed here: env/,
    ],
    [
      'too many',
      APP.replace('replicas: 6', 'replicas: 5000'),
      /^9:15 spec\.workload\.replicas: found 5000, allowed: at most 1000/,
    ],
    [
      'missing',
      APP.replace('    command: [node, server.js]\n', ''),
      /^5:3 spec\.workload\.command: is required/,
    ],
    ['bad duration', `${APP}    drain: { timeout: 30 }\n`, /^11:23 spec\.workload\.drain\.timeout: found 30/],
    [
      'a field beside others: all that there are',
      APP.replace('port: { env: PORT }', 'port: { env: PORT, number: 80 }'),
      /^8:24 spec\.workload\.port\.number: .*allowed here: env/,
    ],
    [
      'a misspelt field beside the right one',
      APP.replace('replicas: 6', 'replicas: 6\n    replcas: 7'),
      /replcas: .*allowed here: .*command.*did you mean replicas\?$/,
    ],
    [
      'a line where a list belongs',
      APP.replace('[node, server.js]', 'node server.js'),
      /^7:14 spec\.workload\.command: found "node server\.js", allowed: a list such as \[node, server\.js\]/,
    ],
    [
      'wrong kind',
      APP.replace('Application', 'Aplication'),
      /^2:7 kind: found "Aplication", allowed: .*did you mean Application\?$/,
    ],
    [
      'internal kind',
      APP.replace('Application', 'Release'),
      /^2:7 kind: found "Release", which only Slipway itself makes/,
    ],
    [
      'wrong apiVersion',
      APP.replace('v1alpha1', 'v2'),
      /^1:13 apiVersion: found "slipway\.dev\/v2", allowed: "slipway\.dev\/v1alpha1"/,
    ],
    [
      'unknown metadata',
      APP.replace('{ name: shop }', '{ name: shop, nmespace: x }'),
      /^3:25 metadata\.nmespace: there is no such field.*did you mean namespace\?$/,
    ],
    ['bad name', APP.replace('name: shop', 'name: Shop!'), /^3:19 metadata\.name: found "Shop!"/],
    ['no object', '- a\n- b\n', /^1:1 : found a list, allowed: an object/],
    [
      'percentages that do not rise to 100',
      `${APP}  strategy: { custom: { percentages: [50, 40] } }\n`,
      /^11:\d+ spec\.strategy.*percentages/,
    ],
    [
      'two strategies',
      `${APP}  strategy: { scaled: {}, rolling: {} }\n`,
      /^11:\d+ spec\.strategy: .*exactly one of rolling, custom, blueGreen, scaled or canary/,
    ],
    [
      'no readiness',
      APP.replace(/ {4}readiness.*\n/, ''),
      /spec\.workload\.readiness: a service needs a readiness check/,
    ],
    [
      'a gate without its kind',
      `${APP}  gates:\n    - { name: smoke, after: 1 }\n`,
      /^12:\d+ spec\.gates\[0\]: exactly one of http, command, approval or soak/,
    ],
  ])('%s', (_, text, expected) => {
    expect(check(text)[0]).toMatch(expected);
  });

  test('several at once, all of them', () => {
    expect(
      check(
        APP.replace('replicas: 6', 'replicas: -1').replace('port: { env: PORT }', 'port: { env: 1PORT }'),
      ),
    ).toHaveLength(2);
  });

  test('what the server set is no mistake when it comes back', () => {
    expect(
      check(APP.replace('{ name: shop }', '{ name: shop, uid: a-b, resourceVersion: "7", generation: 1 }')),
    ).toEqual([]);
  });
});

test('the line is shown with a mark under the place', () => {
  const parsed = parseManifest({ file: 'app.yaml', text: APP.replace('replicas: 6', 'replica: 6') });
  const checked = parsed.ok && parsed.documents[0] ? checkDocument(parsed.documents[0]) : undefined;
  const [problem] = checked?.ok === false ? checked.problems : [];
  expect(problem && formatProblem(problem).slice(1)).toEqual(['  9 |     replica: 6', '    |     ^']);
});

test.each<[string, (string | number)[]]>([
  ['spec.gates[0].http', ['spec', 'gates', 0, 'http']],
  ['metadata.labels["a/b"].x', ['metadata', 'labels', 'a/b', 'x']],
  ['', []],
  ['spec.environments.staging', ['spec', 'environments', 'staging']],
])('the steps of %s', (text, steps) => {
  expect(parsePath(text)).toEqual(steps);
});
