import { describe, expect, test } from 'vitest';
import type { RouteTable } from './table.ts';
import { checkTable } from './table-check.ts';

const good: RouteTable = {
  generation: 2,
  routes: [
    {
      id: 'shop',
      service: 'ns/shop/prod',
      host: 'shop.example',
      path: '/',
      versions: [
        { version: 'shop-r1', weight: 67 },
        { version: 'shop-r2', weight: 33 },
      ],
      rules: [
        { by: 'header', name: 'X-Beta', value: 'yes', version: 'shop-r2' },
        { by: 'cookie', name: 'tester', value: '1', version: 'shop-r2' },
        { by: 'path', prefix: '/next', version: 'shop-r2' },
      ],
      sticky: { cookie: 'slipway' },
      timeouts: { connectMs: 1_000, responseHeadMs: 30_000, idleMs: 0 },
    },
  ],
  backends: [
    {
      id: 'shop-r1-a',
      version: 'shop-r1',
      service: 'ns/shop/prod',
      host: '127.0.0.1',
      port: 8001,
      state: 'serving',
    },
    {
      id: 'shop-r2-a',
      version: 'shop-r2',
      service: 'ns/shop/prod',
      host: '127.0.0.1',
      port: 8002,
      state: 'preview',
    },
  ],
};
const empty: RouteTable = { generation: 1, routes: [], backends: [] };

/** The good table with one place changed. */
function changed(path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(good) as unknown as Record<string | number, unknown>;
  let at = copy;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  const last = path.at(-1) as string | number;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

test('a good table has no problems', () => {
  expect(checkTable(good, empty)).toEqual([]);
  expect(checkTable(empty, good)).toEqual([]);
  expect(checkTable(changed(['routes', 0, 'versions'], []), empty)).toEqual([]);
});

describe('a table is refused with its path', () => {
  const route = ['routes', 0] as const;
  test.each([
    ['that is no object', [], 'x', '(table)', /must be an object/],
    ['without a generation', ['generation'], undefined, 'generation', /whole number/],
    ['with a generation that is no whole number', ['generation'], 1.5, 'generation', /whole number/],
    ['with an unknown field', ['extra'], 1, 'extra', /not a field/],
    ['with an upper-case host', [...route, 'host'], 'Shop', 'routes[0].host', /lower-case host/],
    ['with a host that ends a line', [...route, 'host'], 'a\r\nb', 'routes[0].host', /lower-case host/],
    ['with a path without a slash', [...route, 'path'], 'a', 'routes[0].path', /starts with/],
    [
      'with a weight above 100',
      [...route, 'versions', 0, 'weight'],
      101,
      'routes[0].versions[0].weight',
      /0 to 100/,
    ],
    [
      'with weights that do not sum to 100',
      [...route, 'versions', 0, 'weight'],
      66,
      'routes[0].versions',
      /sum to 99.*INV-2/,
    ],
    ['with a version twice', [...route, 'versions', 1, 'version'], 'shop-r1', 'routes[0].versions', /twice/],
    [
      'with a rule of an unknown kind',
      [...route, 'rules', 0, 'by'],
      'ip',
      'routes[0].rules[0].by',
      /header, cookie, path/,
    ],
    [
      'with a rule of the object’s own names',
      [...route, 'rules', 0, 'by'],
      'toString',
      'routes[0].rules[0].by',
      /header, cookie, path/,
    ],
    [
      'with a version name that ends a line',
      [...route, 'versions', 0, 'version'],
      'a\r\nx: y',
      'routes[0].versions[0].version',
      /letters/,
    ],
    [
      'with a cookie name that is none',
      [...route, 'sticky', 'cookie'],
      'a;b',
      'routes[0].sticky.cookie',
      /cookie name/,
    ],
    [
      'with a version that has no backend',
      [...route, 'versions', 0, 'version'],
      'shop-r7',
      'routes[0]',
      /shop-r7.*INV-3/,
    ],
    [
      'with a rule to a version that has no backend',
      [...route, 'rules', 0, 'version'],
      'shop-r7',
      'routes[0]',
      /shop-r7.*INV-3/,
    ],
    [
      'with a backend of another service only',
      ['backends', 1, 'service'],
      'ns/blog/prod',
      'routes[0]',
      /shop-r2.*INV-3/,
    ],
    ['with a port that is none', ['backends', 0, 'port'], 70_000, 'backends[0].port', /65535/],
    [
      'with an unknown state',
      ['backends', 0, 'state'],
      'warm',
      'backends[0].state',
      /preview, serving, draining/,
    ],
    ['with a backend twice', ['backends', 1, 'id'], 'shop-r1-a', 'backends[1].id', /twice/],
  ])('%s', (_, path, value, at, message) => {
    const problems = checkTable(path.length === 0 ? value : changed(path, value), empty);
    expect(problems).toContainEqual({ path: at, message: expect.stringMatching(message) });
  });

  test('with two routes for one entry', () => {
    const twice = { ...good, routes: [...good.routes, { ...good.routes[0], id: 'other' }] };
    expect(checkTable(twice, empty)[0]?.message).toMatch(/both for shop\.example\//);
  });

  test('that moves a backend to another address', () => {
    expect(checkTable(changed(['backends', 0, 'port'], 9), good)[0]?.message).toMatch(/cannot become/);
  });
});

test('a version that is admitted already may lose its last backend', () => {
  expect(checkTable(changed(['backends'], []), good)).toEqual([]);
});
