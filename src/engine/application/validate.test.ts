import { describe, expect, it } from 'vitest';
import { EnvironmentSpec } from '../../api/environment.ts';
import { validateApplication } from './validate.ts';

const workload = {
  artifact: './dist',
  command: ['node', 'server.js'],
  port: { env: 'PORT' },
  replicas: 6,
  readiness: { http: { path: '/healthz' } },
};
const shop = { workload, routes: [{ host: 'shop.localhost' }] };
const check = (spec: unknown) =>
  validateApplication(spec, { name: 'shop', environments: {}, requirePinned: false }).map(
    ({ path, message }) => `${path}: ${message}`,
  );

describe('one host and path in two environments of one cluster', () => {
  const place = (clusters = ['local']) => EnvironmentSpec.parse({ clusters });
  const production = { environments: { production: { workload: { replicas: 2 } } } };
  const own = { production: { routes: [{ host: 'production.shop.localhost' }] } };
  const cases: [string, object, Record<string, EnvironmentSpec>, string[]][] = [
    [
      'is refused before anybody plans it',
      production,
      { local: place(), production: place() },
      ['spec.environments.production.routes: shop.localhost / would lead to local and to production'],
    ],
    ['a route of its own', { environments: own }, { local: place(), production: place() }, []],
    ['clusters of their own', production, { local: place(), production: place(['eu']) }, []],
    ['one of them is not there', production, { local: place() }, []],
    ['one of them that nothing goes to by itself', {}, { local: place(), other: place() }, []],
    [
      'by hand, never to the default one',
      { ...production, release: 'manual' },
      { local: place(), production: place() },
      [],
    ],
    [
      'by hand, to two that are named',
      { release: 'manual', environments: { a: {}, b: {} } },
      { a: place(), b: place() },
      ['spec.environments.b.routes: shop.localhost / would lead to a and to b'],
    ],
  ];
  it.each(cases)('%s', (_, more, environments, expected) => {
    const errors = validateApplication(
      { ...shop, ...more },
      { name: 'shop', environments, requirePinned: false },
    );
    const said = errors.map(({ path, message }) => `${path}: ${message.split(', which')[0]}`);
    expect(said).toEqual(expected);
  });
});

describe('validateApplication', () => {
  it('accepts the smallest useful file', () => expect(check(shop)).toEqual([]));

  it('asks nothing of an environment that the application is not in', () => {
    const small = { maxInstances: 1 } as unknown as EnvironmentSpec;
    const problems = (absent: object) =>
      validateApplication(
        { ...shop, environments: { small: absent } },
        { name: 'shop', environments: { small }, requirePinned: false },
      );
    expect(problems({})).not.toEqual([]);
    expect(problems({ absent: true })).toEqual([]);
  });

  const refused: [string, unknown, string | RegExp][] = [
    [
      'unknown field',
      { ...shop, replica: 1 },
      /^spec\.replica: there is no such field; allowed here: .*strategy/,
    ],
    [
      'wrong type',
      { ...shop, workload: { ...workload, replicas: 'six' } },
      /^spec\.workload\.replicas: found "six", allowed: a number/,
    ],
    [
      'an unknown field in an override',
      { ...shop, environments: { staging: { workload: { replcas: 2 } } } },
      /^spec\.environments\.staging\.workload\.replcas: there is no such field; allowed here: .*\breplicas\b/,
    ],
    [
      'a wrong type in an override',
      { ...shop, environments: { staging: { workload: { replicas: 'two' } } } },
      /^spec\.environments\.staging\.workload\.replicas: found "two", allowed: a number/,
    ],
    [
      'an expression that is none',
      { ...shop, gates: [{ name: 'smoke', after: 1, http: { path: '/', expect: 'response.status ==' } }] },
      /^spec\.gates\[0\]\.http\.expect: found "response.status ==", allowed: a CEL expression over response; at character 17/,
    ],
    [
      'an expression over what is not there, in an override',
      {
        ...shop,
        environments: {
          production: {
            gates: [{ name: 's', after: 1, http: { path: '/', expect: 'respons.status == 200' } }],
          },
        },
      },
      /^spec\.environments\.production\.gates\[0\]\.http\.expect: .* there is no respons/,
    ],
    ['nothing to run', { routes: [] }, /exactly one of workload, workloads or template/],
    [
      'canary weights that do not rise',
      { ...shop, strategy: { canary: { weights: [50, 20, 100] } } },
      /weights\[1\]: 20 does not rise above 50/,
    ],
    [
      'percentages that do not reach 100',
      { ...shop, strategy: { custom: { percentages: [50, 80] } } },
      /percentages must rise to 100/,
    ],
    [
      'two strategies',
      { ...shop, strategy: { scaled: {}, blueGreen: {} } },
      /exactly one of rolling, custom/,
    ],
    [
      'counts that do not fit',
      { ...shop, strategy: { scaled: { steps: [1, 8, '100%'] } } },
      /steps\[1\]: step 8 is more than the 6 replicas/,
    ],
    [
      'counts that do not fit one environment',
      {
        ...shop,
        strategy: { scaled: { steps: [1, 4, '100%'] } },
        environments: { staging: { workload: { replicas: 2 } } },
      },
      /step 4 is more than the 2 replicas.*staging/,
    ],
    [
      'surge too small for blueGreen',
      { ...shop, workload: { ...workload, maxSurge: 2 }, strategy: { blueGreen: {} } },
      /needs 6 instances of shop above/,
    ],
    [
      'one replica, surge 0',
      { ...shop, workload: { ...workload, replicas: 1, maxSurge: 0, maxUnavailable: 1 } },
      /no instance could be replaced/,
    ],
    [
      'one replica, canary by replicas',
      { ...shop, workload: { ...workload, replicas: 1 }, strategy: { canary: { by: 'replicas' } } },
      /at least 2 replicas/,
    ],
    [
      'gate of a stage that is not there',
      { ...shop, gates: [{ name: 'late', after: 4, http: { path: '/' } }] },
      /names stage 4, and scaled has 3/,
    ],
    [
      'service without readiness',
      { ...shop, workload: { ...workload, readiness: undefined } },
      /readiness: a service needs/,
    ],
    [
      'route to a worker',
      { workloads: { jobs: { type: 'worker', command: ['x'] } }, routes: [{ workload: 'jobs' }] },
      /jobs is a worker/,
    ],
    [
      'grace below the stream cap',
      { ...shop, workload: { ...workload, drain: { grace: '5s' } } },
      /drain\.grace: found 5s, allowed: at least streamTimeout/,
    ],
  ];
  it.each(refused)('refuses %s', (_, spec, expected) => {
    const errors = check(spec);
    expect(errors).toHaveLength(1);
    if (typeof expected === 'string') expect(errors[0]).toBe(expected);
    else expect(errors[0]).toMatch(expected);
  });

  it('wants digests at the API', () =>
    expect(
      validateApplication(shop, { name: 'shop', environments: {}, requirePinned: true })[0]?.message,
    ).toContain('name@sha256:'));
});
