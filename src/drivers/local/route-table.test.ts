import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouteSpec } from '../../api/application.ts';
import type { Backend } from '../../router/table.ts';
import { checkTable } from '../../router/table-check.ts';
import type { TrafficWish } from '../cluster-driver.ts';
import { routesOf, routesRefusal, shares } from './route-table.ts';

const route = (spec: object): RouteSpec => RouteSpec.parse(spec);
const wish = (routes: RouteSpec[], more: Partial<TrafficWish> = {}): TrafficWish => ({
  service: { namespace: 'n', application: 'shop', environment: 'e', workload: 'shop' },
  routes,
  weights: { 'shop-r1': 33, 'shop-r2': 67 },
  aliases: { new: 'shop-r2', old: 'shop-r1' },
  fence: { subject: 's', epoch: 1, sequence: 1 },
  ...more,
});
const backend = (version: string, state: Backend['state'] = 'serving', n = 0): Backend => ({
  id: `${version}-${state}${n}`,
  version,
  service: 'n/shop/e/shop',
  host: '127.0.0.1',
  port: 20_000 + n,
  state,
});

describe('routesOf', () => {
  const both = [backend('shop-r1'), backend('shop-r2')];
  const rules = [
    { header: { name: 'x-tester', value: 'yes' }, version: 'new' },
    { cookie: { name: 'old', value: '1' }, version: 'old' },
    { path: '/v3', version: 'r3' },
  ];

  it('names weights, rules by alias and number, cookie and timeouts', () => {
    const [first] = routesOf(
      wish([route({ host: 'shop.localhost', path: '/a', sticky: { cookie: 'v' }, rules })]),
      [...both, backend('shop-r3')],
    );
    expect(first).toMatchObject({
      service: 'n/shop/e/shop',
      host: 'shop.localhost',
      path: '/a',
      versions: [
        { version: 'shop-r1', weight: 33 },
        { version: 'shop-r2', weight: 67 },
      ],
      rules: [
        { by: 'header', name: 'x-tester', value: 'yes', version: 'shop-r2' },
        { by: 'cookie', name: 'old', value: '1', version: 'shop-r1' },
        { by: 'path', prefix: '/v3', version: 'shop-r3' },
      ],
      sticky: { cookie: 'v' },
      timeouts: { connectMs: 1_000, responseHeadMs: 60_000, idleMs: 0 },
    });
  });

  it('drops rules to a version without a proven instance', () => {
    const [first] = routesOf(wish([route({ rules })]), [backend('shop-r1'), backend('shop-r2', 'preview')]);
    expect(first?.rules).toEqual([{ by: 'cookie', name: 'old', value: '1', version: 'shop-r1' }]);
  });

  const shapes: [name: string, Backend[], object[]][] = [
    [
      'gives the share of a version that is not there to the others',
      [backend('shop-r1')],
      [{ version: 'shop-r1', weight: 100 }],
    ],
    ['leads nowhere where nobody is there', [], []],
  ];
  it.each(shapes)('%s', (_name, backends, versions) => {
    const routes = routesOf(wish([route({})]), backends);
    expect(routes[0]?.versions).toEqual(versions);
    expect(
      checkTable({ generation: 1, routes, backends }, { generation: 0, routes: [], backends: [] }),
    ).toEqual([]);
  });

  it('keeps the id of a route over generations, and tells routes apart', () => {
    const routes = [route({ path: '/a' }), route({ host: 'x', path: '/a' }), route({ path: '/b' })];
    const ids = (backends: Backend[]) => routesOf(wish(routes), backends).map(({ id }) => id);
    expect(ids(both)).toEqual(ids([]));
    expect(new Set(ids(both)).size).toBe(3);
  });

  it('makes whole weights that sum to 100 whatever is missing', () => {
    const versions = ['a', 'b', 'c', 'd', 'e'];
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 5, maxLength: 5 }),
        fc.subarray(versions),
        (weights, present) => {
          const wanted = Object.fromEntries(versions.map((version, n) => [version, weights[n] ?? 0]));
          const got = shares(wanted, new Set(present));
          const expected = present.some((version) => (wanted[version] ?? 0) > 0);
          expect(got.reduce((sum, { weight }) => sum + weight, 0)).toBe(expected ? 100 : 0);
          for (const { version, weight } of got) {
            expect(Number.isInteger(weight) && weight >= 0).toBe(true);
            expect(wanted[version]).toBeGreaterThan(0);
          }
        },
      ),
    );
  });
});

describe('routesRefusal', () => {
  const cases: [name: string, routes: RouteSpec[], others: TrafficWish[], refusal: RegExp | null][] = [
    ['plain routes', [route({ host: 'a' }), route({ host: 'a', path: '/x' })], [], null],
    ['a pattern of hosts', [route({ host: '*.shop.dev' })], [], /"\*\.shop\.dev" is a pattern/],
    ['the same place twice', [route({ host: 'a' }), route({ host: 'a' })], [], /two routes are for a\//],
    [
      'two conditions in a rule',
      [route({ rules: [{ header: { name: 'a', value: 'b' }, path: '/x', version: 'new' }] })],
      [],
      /exactly one of header, cookie or path/,
    ],
    [
      'a place of another service',
      [route({ host: 'a' })],
      [
        wish([route({ host: 'a' })], {
          service: { namespace: 'n', application: 'other', environment: 'e', workload: 'web' },
        }),
      ],
      /a\/ belongs to application other in environment e$/,
    ],
    [
      'a place of another service of the same application',
      [route({ host: 'a' })],
      [wish([route({ host: 'a' })], { service: { ...wish([]).service, workload: 'api' } })],
      /a\/ belongs to service api of application \S+ in environment \S+$/,
    ],
  ];
  it.each(cases)('%s', (_name, routes, others, refusal) => {
    const got = routesRefusal(wish(routes), others);
    if (refusal === null) expect(got).toBeNull();
    else expect(got).toMatch(refusal);
  });
});
