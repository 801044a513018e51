import { expect, it } from 'vitest';
import { checkDocument } from './check.ts';
import { parseManifest } from './parse.ts';

it('a mistake in the expression of a gate is told with its line in the file', () => {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: Application
metadata: { name: shop }
spec:
  workload:
    command: [node, server.js]
    port: {}
    readiness: { http: { path: / } }
  gates:
    - name: smoke
      after: 1
      http:
        path: /
        expect: response.status = 200
`;
  const parsed = parseManifest({ file: 'app.yaml', text });
  const [document] = parsed.ok ? parsed.documents : [];
  if (document === undefined) throw new Error('not parsed');
  expect(checkDocument(document)).toMatchObject({
    ok: false,
    problems: [{ position: { line: 14 }, path: 'spec.gates[0].http.expect' }],
  });
});
