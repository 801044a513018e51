import { expect, test } from 'vitest';
import { checkDocument } from './check.ts';
import { parseManifest } from './parse.ts';
import { warningLines } from './warnings.ts';

const app = (strategy: string, more = '') => `apiVersion: slipway.dev/v1alpha1
kind: Application
metadata: { name: shop }
spec:
  workload:
    command: [node, server.js]
    port: { env: PORT }
    readiness: { http: { path: / } }
  strategy: ${strategy}
  gates:
    - { after: 1, name: smoke, http: { path: /version } }
${more}`;

function warned(text: string): string[] {
  const parsed = parseManifest({ file: 'app.yaml', text });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.documents.flatMap((document) => {
    const checked = checkDocument(document);
    if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
    return warningLines(checked.manifest);
  });
}

test.each<[string, string, readonly RegExp[]]>([
  ['a gate before the first users', app('{ scaled: {} }'), []],
  [
    'a gate behind them',
    app('{ canary: {} }'),
    [/^⚠ app\.yaml:10:3: spec\.gates: gate smoke is asked only when users are on the new version: canary /],
  ],
  [
    'in one environment alone',
    app(
      '{ scaled: {} }',
      '  environments: { production: { gates: [{ after: 2, name: late, http: { path: / } }] } }\n',
    ),
    [/gate late .* scaled lets them in with stage 2; to ask before, use after: 1$/],
  ],
  [
    'an environment',
    'apiVersion: slipway.dev/v1alpha1\nkind: Environment\nmetadata: { name: a }\nspec: {}\n',
    [],
  ],
])('%s', (_, text, wanted) => {
  const lines = warned(text);
  expect(lines).toHaveLength(wanted.length);
  for (const [at, words] of wanted.entries()) expect(lines[at]).toMatch(words);
});
