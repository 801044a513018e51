import { describe, expect, test } from 'vitest';
import { chooseVersion, cookieValue, type RequestFacts } from './choose-version.ts';
import { CompiledTable, isUnder } from './compiled-table.ts';
import { Counters } from './counts.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { SmoothWeights } from './smooth-weights.ts';
import type { Backend, Route, RouteTable } from './table.ts';
import { Upstream } from './upstream.ts';
import { VersionPool } from './version-pool.ts';

const timeouts = { connectMs: 1_000, responseHeadMs: 0, idleMs: 0 };

function route(over: Partial<Route> = {}): Route {
  return {
    id: 'r',
    service: 'ns/shop/prod',
    host: null,
    path: '/',
    versions: [],
    rules: [],
    sticky: null,
    timeouts,
    ...over,
  };
}

function backend(id: string, over: Partial<Backend> = {}): Backend {
  const version = id.slice(0, id.lastIndexOf('-'));
  return { id, version, service: 'ns/shop/prod', host: '127.0.0.1', port: 1, state: 'serving', ...over };
}

function compile(
  routes: readonly Route[],
  backends: readonly Backend[],
  previous: CompiledTable | null = null,
): CompiledTable {
  const table: RouteTable = { generation: 1, routes, backends };
  const upstreams = new Map(backends.map((b) => [b.id, new Upstream(b, DEFAULT_LIMITS)]));
  return new CompiledTable(table, upstreams, { public: new Counters(), preview: new Counters() }, previous);
}

function facts(
  target: string,
  headers: Record<string, string> = {},
  cookies: Record<string, string> = {},
): RequestFacts {
  return { target, header: (name) => headers[name] ?? null, cookie: (name) => cookies[name] ?? null };
}

describe('a path prefix matches at segment boundaries', () => {
  test.each([
    ['/', '/anything', true],
    ['/a', '/a', true],
    ['/a', '/a/b', true],
    ['/a', '/a?q=1', true],
    ['/a', '/ab', false],
    ['/a', '/', false],
    ['/a/', '/a/b', true],
    ['/a/', '/a', false],
    // Compared as they were sent: another spelling never reaches a prefix that it does not spell.
    ['/a', '/%61', false],
    ['/a', '//a', false],
    ['/a', '/x/../a', false],
    ['/a', '/x/%2e%2e/a', false],
    ['/a', '/A', false],
    ['/a', '/a/%2e%2e/x', true],
  ])('%s and %s: %s', (prefix, target, matches) => {
    expect(isUnder(target, prefix)).toBe(matches);
  });
});

describe('the route of a request', () => {
  const table = compile(
    [
      route({ id: 'any' }),
      route({ id: 'any-api', path: '/api' }),
      route({ id: 'shop', host: 'shop.example' }),
      route({ id: 'shop-api', host: 'shop.example', path: '/api' }),
      route({ id: 'shop-api-v2', host: 'shop.example', path: '/api/v2' }),
      route({ id: 'docs', host: 'docs.example', path: '/manual' }),
    ],
    [],
  );
  test.each([
    ['shop.example', '/', 'shop'],
    ['shop.example', '/api/v2/x', 'shop-api-v2'],
    ['shop.example', '/api/v3', 'shop-api'],
    ['shop.example', '/apix', 'shop'],
    ['other.example', '/api', 'any-api'],
    ['', '/', 'any'],
    ['docs.example', '/api', 'any-api'],
  ])('%s%s goes to %s', (host, target, id) => {
    expect(table.match(host, target)?.route.id).toBe(id);
  });

  test('is none where nothing matches', () => {
    expect(compile([route({ host: 'a' })], []).match('b', '/')).toBeNull();
  });
});

describe('the version of a request', () => {
  const backends = [backend('shop-r1-a'), backend('shop-r2-a'), backend('shop-r3-a', { state: 'preview' })];
  const versions = [
    { version: 'shop-r1', weight: 100 },
    { version: 'shop-r2', weight: 0 },
  ];
  const choose = (over: Partial<Route>, asked: RequestFacts, list = backends) => {
    const compiled = compile([route({ versions, ...over })], list).match('', asked.target);
    if (compiled === null) throw new Error('no route');
    const choice = chooseVersion(compiled, asked);
    return choice === null ? null : { version: choice.pool.version, stick: choice.stick };
  };
  const rules: Route['rules'] = [
    { by: 'header', name: 'X-Beta', value: 'yes', version: 'shop-r2' },
    { by: 'cookie', name: 'tester', value: '1', version: 'shop-r2' },
    { by: 'path', prefix: '/next', version: 'shop-r2' },
  ];
  const r1 = { version: 'shop-r1', stick: false };
  const r2 = { version: 'shop-r2', stick: false };

  test('is by weight without a rule', () => expect(choose({}, facts('/'))).toEqual(r1));
  test('is by a header', () => expect(choose({ rules }, facts('/', { 'x-beta': 'yes' }))).toEqual(r2));
  test('is not by a header of another value', () =>
    expect(choose({ rules }, facts('/', { 'x-beta': 'no' }))).toEqual(r1));
  test('is by a cookie', () => expect(choose({ rules }, facts('/', {}, { tester: '1' }))).toEqual(r2));
  test('is by a path', () => expect(choose({ rules }, facts('/next/x'))).toEqual(r2));
  test('is by weight when the rule’s version has no instance that serves', () => {
    expect(choose({ rules }, facts('/next/x'), [backend('shop-r1-a')])).toEqual(r1);
  });
  test('is never one that is in preview', () => {
    const only = [{ version: 'shop-r3', weight: 100 }];
    expect(choose({ versions: only }, facts('/'))).toBeNull();
  });
  test('is another weighted one when it has no instance that serves', () => {
    const both = [
      { version: 'shop-r9', weight: 99 },
      { version: 'shop-r2', weight: 1 },
    ];
    expect(choose({ versions: both }, facts('/'))).toEqual(r2);
  });

  const sticky = { cookie: 'slipway' };
  const half = [
    { version: 'shop-r1', weight: 50 },
    { version: 'shop-r2', weight: 50 },
  ];
  test('is set as a cookie', () =>
    expect(choose({ sticky }, facts('/'))).toEqual({ version: 'shop-r1', stick: true }));
  test('stays with its cookie', () => {
    expect(choose({ sticky, versions: half }, facts('/', {}, { slipway: 'shop-r2' }))).toEqual(r2);
  });
  test('stays no longer when its weight is 0', () => {
    expect(choose({ sticky }, facts('/', {}, { slipway: 'shop-r2' }))).toEqual({
      version: 'shop-r1',
      stick: true,
    });
  });
  test('stays no longer when nothing of it serves', () => {
    const got = choose({ sticky, versions: half }, facts('/', {}, { slipway: 'shop-r2' }), [
      backend('shop-r1-a'),
    ]);
    expect(got).toEqual({ version: 'shop-r1', stick: true });
  });
});

describe('weights', () => {
  const round = (weights: number[], picks: number): string => {
    const balance = new SmoothWeights(weights);
    return Array.from({ length: picks }, () => 'abc'[balance.next(() => true)]).join('');
  };
  test('5:1:1 is spread evenly', () => expect(round([5, 1, 1], 7)).toBe('aabacaa'));
  test('67:33 has its share after 100', () => {
    expect([...round([67, 33], 100)].filter((v) => v === 'a')).toHaveLength(67);
  });
  test('0 is never picked', () => expect(round([0, 100], 5)).toBe('bbbbb'));
  test('leave out what is not usable', () => {
    const balance = new SmoothWeights([50, 50]);
    expect([1, 2, 3].map(() => balance.next((i) => i === 1))).toEqual([1, 1, 1]);
    expect(balance.next(() => false)).toBe(-1);
  });
  test('go on where they were when a new table keeps them', () => {
    const versions = [
      { version: 'shop-r1', weight: 50 },
      { version: 'shop-r2', weight: 50 },
    ];
    const backends = [backend('shop-r1-a'), backend('shop-r2-a')];
    let table = compile([route({ versions })], backends);
    const got: string[] = [];
    for (let i = 0; i < 6; i++) {
      const compiled = table.match('', '/');
      const choice = compiled && chooseVersion(compiled, facts('/'));
      got.push(choice?.pool.version ?? 'none');
      table = compile([route({ versions })], backends, table);
    }
    expect(got).toEqual(['shop-r1', 'shop-r2', 'shop-r1', 'shop-r2', 'shop-r1', 'shop-r2']);
  });
});

describe('the instance of a request', () => {
  const pool = (inside: number[]) => {
    const upstreams = inside.map((n, i) => {
      const upstream = new Upstream(backend(`shop-r1-${i}`), DEFAULT_LIMITS);
      for (let j = 0; j < n; j++) upstream.enter();
      return upstream;
    });
    return { upstreams, pool: new VersionPool(new Counters().of('ns/shop/prod', 'shop-r1'), upstreams) };
  };
  test('is the one with the fewest requests', () => {
    const { upstreams, pool: p } = pool([2, 1, 3]);
    expect(p.pick([], 0)).toBe(upstreams[1]);
  });
  test('is each in turn among equals', () => {
    const { upstreams, pool: p } = pool([0, 0, 0]);
    expect([1, 2, 3, 4].map(() => upstreams.indexOf(p.pick([], 0) as Upstream))).toEqual([0, 1, 2, 0]);
  });
  test('is none that was tried', () => {
    const { upstreams, pool: p } = pool([0, 0]);
    expect(p.pick([upstreams[0] as Upstream], 0)).toBe(upstreams[1]);
    expect(p.pick(upstreams, 0)).toBeNull();
  });
  test('is one that refused a connection only when no other is left', () => {
    const { upstreams, pool: p } = pool([0, 5]);
    (upstreams[0] as Upstream).avoidUntil = 100;
    expect(p.pick([], 50)).toBe(upstreams[1]);
    expect(p.pick([upstreams[1] as Upstream], 50)).toBe(upstreams[0]);
    expect(p.pick([], 101)).toBe(upstreams[0]);
  });
});

describe('a preview', () => {
  const other = { service: 'ns/blog/prod' };
  const table = compile(
    [route()],
    [
      backend('shop-r2-a', { state: 'preview' }),
      backend('shop-r2-b'),
      backend('shop-r2-c', { state: 'draining' }),
      backend('shop-r1-a', { state: 'draining' }),
      backend('v1-a', other),
      backend('v1-b'),
      backend('blog-r1-a', other),
    ],
  );
  const reached = (name: string, service: string | null = 'ns/shop/prod') => {
    const got = table.preview(name, service);
    return typeof got === 'string' ? got : got.upstreams.map((u) => u.backend.id);
  };
  test.each([
    ['of an instance in preview', 'shop-r2-a', ['shop-r2-a']],
    ['of an instance that serves', 'shop-r2-b', ['shop-r2-b']],
    ['of a version reaches what is not draining', 'shop-r2', ['shop-r2-a', 'shop-r2-b']],
    ['of a version takes the service of the route', 'v1', ['v1-b']],
    ['of a version of another service, where there is one', 'blog-r1', ['blog-r1-a']],
  ])('%s', (_, name, ids) => expect(reached(name)).toEqual(ids));

  test.each([
    ['of an instance that drains', 'shop-r2-c', /drained/],
    ['of a version that drains', 'shop-r1', /drained/],
    ['of nothing', 'shop-r9', /no version and no instance/],
  ])('%s is refused', (_, name, why) => expect(reached(name)).toMatch(why));

  test('of a version of several services is refused without a route', () => {
    expect(reached('v1', null)).toMatch(/several services/);
  });
});

describe('a cookie', () => {
  test.each([
    ['a=1; b=2', 'b', '2'],
    ['a=1;b=2', 'b', '2'],
    ['ab=1', 'b', null],
    ['b', 'b', null],
    ['b=x=y', 'b', 'x=y'],
    ['b=', 'b', ''],
    [null, 'b', null],
  ])('%s: %s is %s', (field, name, value) => expect(cookieValue(field, name)).toBe(value));
});
