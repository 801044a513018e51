import { describe, expect, it } from 'vitest';
import { Application } from '../api/application.ts';
import { Secret } from '../api/environment.ts';
import { findProblems, pathText } from './validation.ts';

const application = (spec: unknown, metadata: unknown = { name: 'shop' }) => ({
  apiVersion: 'slipway.dev/v1alpha1',
  kind: 'Application',
  metadata,
  spec,
});
const workload = (more: object = {}) => ({ workload: { command: ['node'], ...more } });

describe('findProblems', () => {
  it.each<[string, unknown, [path: string, message: RegExp][]]>([
    ['nothing wrong', application(workload()), []],
    [
      'an unknown field',
      application(workload({ replica: 2 })),
      [['spec.workload.replica', /no such field; allowed here: artifact, .*replicas/]],
    ],
    [
      'a wrong type',
      application(workload({ replicas: 'two' })),
      [['spec.workload.replicas', /found "two", allowed: a number/]],
    ],
    [
      'a number where a duration belongs',
      application(workload({ drain: { timeout: 30 } })),
      [['spec.workload.drain.timeout', /found 30, allowed: a duration such as 100ms, 30s,/]],
    ],
    [
      'too many',
      application(workload({ replicas: 1001 })),
      [['spec.workload.replicas', /found 1001, allowed: at most 1000/]],
    ],
    ['a missing field', application({ workload: {} }), [['spec.workload.command', /is required \(a list\)/]]],
    [
      'a wrong choice',
      application({ ...workload(), release: 'later' }),
      [['spec.release', /found "later", allowed: "auto", "manual"/]],
    ],
    [
      'a rule over fields',
      application({ ...workload(), strategy: { scaled: {}, canary: {} } }),
      [['spec.strategy', /exactly one of/]],
    ],
    [
      'a list item',
      application({ ...workload(), gates: [{ name: 'a', after: 1, http: { path: 'x' } }] }),
      [['spec.gates[0].http.path', /found "x"/]],
    ],
    [
      'a hidden union',
      application(workload({ env: { A: { secret: 'x' } } })),
      [['spec.workload.env.A.key', /is required/]],
    ],
    [
      'an unknown field in a union',
      application(workload({ env: { A: { secret: 'x', key: 'k', kee: 1 } } })),
      [['spec.workload.env.A.kee', /no such field/]],
    ],
    [
      'a bad name',
      application(workload(), { name: 'Shop_1' }),
      [['metadata.name', /found "Shop_1", allowed: lower-case/]],
    ],
    [
      'a bad map key',
      application(workload({ env: { '1A': 'x' } })),
      [['spec.workload.env["1A"]', /name is not allowed/]],
    ],
    ['no object at all', 7, [['', /found 7, allowed: an object/]]],
  ])('%s', (_, input, wanted) => {
    const problems = findProblems(Application, input);
    expect(problems.map((p) => p.path)).toEqual(wanted.map(([path]) => path));
    for (const [i, [, message]] of wanted.entries()) expect(problems[i]?.message).toMatch(message);
  });

  it('repeats no value of a secret', () => {
    const secret = {
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'Secret',
      metadata: { name: 's' },
      spec: { data: { A: 4711 } },
    };
    const [problem] = findProblems(Secret, secret, { quote: false });
    expect(problem?.message).toBe('found a number, allowed: a string');
  });

  it('writes paths that can be found again', () => {
    expect(pathText(['metadata', 'labels', 'a/b', 0])).toBe('metadata.labels["a/b"][0]');
  });
});
