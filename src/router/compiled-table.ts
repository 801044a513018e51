import type { Counters } from './counts.ts';
import { SmoothWeights } from './smooth-weights.ts';
import type { Backend, Route, RouteTable } from './table.ts';
import type { Upstream } from './upstream.ts';
import { VersionPool } from './version-pool.ts';

/** A route with everything that a request of it needs to be decided without a search. */
export interface CompiledRoute {
  readonly route: Route;
  /** In the order of `route.versions`. */
  readonly weighted: readonly VersionPool[];
  readonly balance: SmoothWeights;
  /** Every version of the service that serves, weighted or not, for rules. */
  readonly byVersion: ReadonlyMap<string, VersionPool>;
  /** Set-Cookie line per version; null where the route isn't sticky. */
  readonly sticky: ReadonlyMap<string, string> | null;
}

/** A route table made ready for requests; immutable but for whose turn it is. */
export class CompiledTable {
  readonly table: RouteTable;
  private readonly byHost = new Map<string, CompiledRoute[]>();
  private readonly anyHost: CompiledRoute[] = [];
  private readonly upstreams: ReadonlyMap<string, Upstream>;
  private readonly previewCounters: Counters;
  private readonly previewPools = new Map<string, VersionPool>();

  /**
   * @param upstreams the running side of each backend of the table, by id
   * @param previous the table in force: a route whose weights stay keeps its place in the round
   */
  constructor(
    table: RouteTable,
    upstreams: ReadonlyMap<string, Upstream>,
    counters: { public: Counters; preview: Counters },
    previous: CompiledTable | null,
  ) {
    this.table = table;
    this.upstreams = upstreams;
    this.previewCounters = counters.preview;
    const pools = servingPools(table.backends, upstreams, counters.public);
    for (const route of table.routes) {
      const compiled = compileRoute(route, pools, counters.public, previous?.byId(route.id) ?? null);
      if (route.host === null) this.anyHost.push(compiled);
      else this.byHost.set(route.host, [...(this.byHost.get(route.host) ?? []), compiled]);
    }
    for (const routes of [...this.byHost.values(), this.anyHost]) {
      routes.sort((a, b) => b.route.path.length - a.route.path.length);
    }
  }

  /** The route of a request: its exact host before any host, then the longest path. */
  match(host: string, target: string): CompiledRoute | null {
    const named = this.byHost.get(host);
    return (named && longest(named, target)) ?? longest(this.anyHost, target);
  }

  /**
   * Who answers a preview of `name`: one instance by its id, or a version of the service that the request
   * was for, or of the one service that has a version of this name. A string says why nobody does.
   */
  preview(name: string, service: string | null): VersionPool | string {
    const instance = this.upstreams.get(name);
    if (instance !== undefined && this.table.backends.includes(instance.backend)) {
      if (instance.backend.state === 'draining') return 'is being drained and takes no new requests';
      return this.previewPool([instance]);
    }
    const named = this.table.backends.filter((b) => b.version === name);
    const own = named.filter((b) => b.service === service);
    const among = own.length > 0 ? own : named;
    const services = new Set(among.map((b) => b.service));
    if (services.size > 1) return 'is a version of several services; ask by host or for an instance';
    if (services.size === 0) return 'is no version and no instance here';
    const open = among.filter((b) => b.state !== 'draining');
    if (open.length === 0) return 'is being drained and takes no new requests';
    return this.previewPool(open.flatMap((b) => this.upstreams.get(b.id) ?? []));
  }

  private previewPool(upstreams: readonly Upstream[]): VersionPool {
    const { service, version } = (upstreams[0] as Upstream).backend;
    const key = upstreams.map((u) => u.backend.id).join('\n');
    const known = this.previewPools.get(key);
    if (known !== undefined) return known;
    const pool = new VersionPool(this.previewCounters.of(service, version), upstreams);
    this.previewPools.set(key, pool);
    return pool;
  }

  private byId(id: string): CompiledRoute | null {
    for (const routes of [...this.byHost.values(), this.anyHost]) {
      for (const compiled of routes) if (compiled.route.id === id) return compiled;
    }
    return null;
  }
}

function longest(routes: readonly CompiledRoute[], target: string): CompiledRoute | null {
  for (let i = 0; i < routes.length; i++) {
    const compiled = routes[i] as CompiledRoute;
    if (isUnder(target, compiled.route.path)) return compiled;
  }
  return null;
}

/**
 * Whether a target lies under a path prefix, at a segment boundary: `/a` has `/a`, `/a/b`, `/a?q`, not `/ab`.
 *
 * Paths are compared byte by byte as they were sent: `/%61`, `//a` and `/x/../a` are not under `/a`. What
 * they mean is decided by whoever answers (RFC 3986 section 6 leaves it to the resource's owner), and the
 * router forwards them unchanged, so no other reading here could agree with every application. It follows
 * that a route or a rule says where traffic goes and never who may ask: another spelling can only miss a
 * longer prefix and go where `/` goes; it reaches no service and no version by a prefix that it does not
 * spell. Whatever must be closed is closed by the application itself.
 */
export function isUnder(target: string, prefix: string): boolean {
  if (prefix === '/' || prefix === '') return true;
  if (!target.startsWith(prefix)) return false;
  if (prefix.endsWith('/') || target.length === prefix.length) return true;
  const next = target.charCodeAt(prefix.length);
  return next === 0x2f || next === 0x3f;
}

type Pools = ReadonlyMap<string, ReadonlyMap<string, VersionPool>>;

function servingPools(
  backends: readonly Backend[],
  upstreams: ReadonlyMap<string, Upstream>,
  counters: Counters,
): Pools {
  const grouped = new Map<string, Map<string, Upstream[]>>();
  for (const backend of backends) {
    const upstream = upstreams.get(backend.id);
    if (backend.state !== 'serving' || upstream === undefined) continue;
    const versions = grouped.get(backend.service) ?? new Map<string, Upstream[]>();
    grouped.set(backend.service, versions);
    versions.set(backend.version, [...(versions.get(backend.version) ?? []), upstream]);
  }
  return new Map(
    [...grouped].map(([service, versions]) => [
      service,
      new Map([...versions].map(([v, ups]) => [v, new VersionPool(counters.of(service, v), ups)])),
    ]),
  );
}

function compileRoute(
  route: Route,
  pools: Pools,
  counters: Counters,
  previous: CompiledRoute | null,
): CompiledRoute {
  const byVersion = pools.get(route.service) ?? new Map<string, VersionPool>();
  const weighted = route.versions.map(
    ({ version }) => byVersion.get(version) ?? new VersionPool(counters.of(route.service, version), []),
  );
  const sameWeights =
    previous !== null && JSON.stringify(previous.route.versions) === JSON.stringify(route.versions);
  return {
    route,
    weighted,
    byVersion,
    balance: sameWeights ? previous.balance : new SmoothWeights(route.versions.map((v) => v.weight)),
    sticky:
      route.sticky === null
        ? null
        : new Map(route.versions.map(({ version }) => [version, cookieLine(route, version)])),
  };
}

function cookieLine(route: Route, version: string): string {
  return `set-cookie: ${route.sticky?.cookie}=${version}; Path=${route.path}; HttpOnly; SameSite=Lax\r\n`;
}
