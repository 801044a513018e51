import type { ErrorDetail } from '../lib/errors.ts';
import { type FieldCheck, listOf, nullOr, objectOf, oneOf, text, union, whole } from './json-check.ts';
import type { Backend, Route, RouteTable, VersionRule } from './table.ts';

/** Names that end up in head lines, cookies and keys: nothing that could end a line or a pair. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,252}$/;
const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;
const PATH = /^\/[A-Za-z0-9\-._~!$&'()*+,:@%/]*$/;
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
const FIELD_VALUE = /^[\x20-\x7e]*$/;
const ADDRESS = /^[A-Za-z0-9.:%_-]+$/;

const milliseconds = whole(0, 24 * 3_600_000);
const name = text(NAME, 'a name of letters, digits, "-", "_", ".", "/"');

const rule: FieldCheck = union('by', {
  header: objectOf({
    by: oneOf(['header']),
    name: text(TOKEN, 'a field name'),
    value: text(FIELD_VALUE, 'printable ASCII'),
    version: name,
  }),
  cookie: objectOf({
    by: oneOf(['cookie']),
    name: text(TOKEN, 'a cookie name'),
    value: text(COOKIE_VALUE, 'a cookie value'),
    version: name,
  }),
  path: objectOf({
    by: oneOf(['path']),
    prefix: text(PATH, 'a path that starts with "/"'),
    version: name,
  }),
});

const table: FieldCheck = objectOf({
  generation: whole(1, Number.MAX_SAFE_INTEGER),
  routes: listOf(
    objectOf({
      id: name,
      service: name,
      host: nullOr(text(HOST, 'a lower-case host without port')),
      path: text(PATH, 'a path that starts with "/"'),
      versions: listOf(objectOf({ version: name, weight: whole(0, 100) })),
      rules: listOf(rule),
      sticky: nullOr(objectOf({ cookie: text(TOKEN, 'a cookie name') })),
      timeouts: objectOf({
        connectMs: milliseconds,
        responseHeadMs: milliseconds,
        idleMs: milliseconds,
      }),
    }),
  ),
  backends: listOf(
    objectOf({
      id: name,
      version: name,
      service: name,
      host: text(ADDRESS, 'an address or host name'),
      port: whole(1, 65_535),
      state: oneOf(['preview', 'serving', 'draining']),
    }),
  ),
});

/**
 * Whether `value` is a route table that may replace `inForce`: its shape, then what must hold within it,
 * then what must hold of the change. Answers every problem found, with its path.
 *
 * @param inForce null at start, where the table was checked when it was written
 */
export function checkTable(value: unknown, inForce: RouteTable | null): readonly ErrorDetail[] {
  const shape = table(value, '');
  if (shape.length > 0) return shape;
  const next = value as RouteTable;
  const problems = [
    ...duplicates(next.routes, 'routes'),
    ...duplicates(next.backends, 'backends'),
    ...sameEntry(next.routes),
    ...next.routes.flatMap((route, i) => weightProblems(route, `routes[${i}]`)),
  ];
  return inForce === null ? problems : [...problems, ...admissions(next, inForce), ...moved(next, inForce)];
}

function duplicates(items: readonly { readonly id: string }[], path: string): ErrorDetail[] {
  const seen = new Set<string>();
  return items.flatMap(({ id }, i) => {
    if (seen.has(id)) return [{ path: `${path}[${i}].id`, message: `"${id}" stands there twice` }];
    seen.add(id);
    return [];
  });
}

/** Two routes for one host and path: which one a request gets would be a matter of their order. */
function sameEntry(routes: readonly Route[]): ErrorDetail[] {
  const seen = new Map<string, string>();
  return routes.flatMap((route, i) => {
    const entry = `${route.host ?? '*'}${route.path}`;
    const other = seen.get(entry);
    seen.set(entry, route.id);
    if (other === undefined) return [];
    return [
      {
        path: `routes[${i}]`,
        message: `routes "${other}" and "${route.id}" are both for ${entry}`,
      },
    ];
  });
}

/** INV-2: the weights of a route that has versions sum to 100. */
function weightProblems(route: Route, path: string): ErrorDetail[] {
  const problems: ErrorDetail[] = [];
  const versions = route.versions.map((v) => v.version);
  if (new Set(versions).size !== versions.length) {
    problems.push({
      path: `${path}.versions`,
      message: 'a version stands there twice',
    });
  }
  const sum = route.versions.reduce((total, v) => total + v.weight, 0);
  if (route.versions.length > 0 && sum !== 100) {
    problems.push({
      path: `${path}.versions`,
      message: `the weights sum to ${sum}; they must sum to 100 (INV-2)`,
    });
  }
  return problems;
}

/**
 * INV-3: a version that a write admits to traffic has a backend. One that the table in force admits
 * already may have lost its last: a rule here must not block the write that says so (INV-7).
 */
function admissions(next: RouteTable, inForce: RouteTable): ErrorDetail[] {
  const exists = new Set(next.backends.map((b) => key(b.service, b.version)));
  const admitted = new Set(inForce.routes.flatMap(admittedBy));
  return next.routes.flatMap((route, i) =>
    admittedBy(route)
      .filter((version) => !exists.has(version) && !admitted.has(version))
      .map((version) => ({
        path: `routes[${i}]`,
        message: `version "${version.split('\n')[1]}" has no backend in service "${route.service}" (INV-3)`,
      })),
  );
}

function admittedBy(route: Route): string[] {
  const weighted = route.versions.filter((v) => v.weight > 0).map((v) => v.version);
  const ruled = route.rules.map((r: VersionRule) => r.version);
  return [...new Set([...weighted, ...ruled])].map((version) => key(route.service, version));
}

const key = (service: string, version: string): string => `${service}\n${version}`;

/** A backend's id stands for one instance for ever: what is inside it is counted under it. */
function moved(next: RouteTable, inForce: RouteTable): ErrorDetail[] {
  const before = new Map(inForce.backends.map((b) => [b.id, b]));
  const identity = (b: Backend): string => `${b.service} ${b.version} at ${b.host}:${b.port}`;
  return next.backends.flatMap((backend, i) => {
    const known = before.get(backend.id);
    if (known === undefined || identity(known) === identity(backend)) return [];
    const message = `"${backend.id}" is ${identity(known)} and cannot become ${identity(backend)}`;
    return [{ path: `backends[${i}]`, message }];
  });
}
