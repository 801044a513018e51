import { type CompiledRoute, isUnder } from './compiled-table.ts';
import type { VersionRule } from './table.ts';
import type { VersionPool } from './version-pool.ts';

/** What a choice may look at in a request. */
export interface RequestFacts {
  readonly target: string;
  /** First value of a field, by lower-case name. */
  header(name: string): string | null;
  /** Value of a cookie, or null. */
  cookie(name: string): string | null;
}

/** The version of a public request: rules first, then its cookie, then the weights. */
export interface VersionChoice {
  readonly pool: VersionPool;
  /** Whether the answer should set the route's sticky cookie to its version. */
  readonly stick: boolean;
}

/**
 * Null where no version of the route has an instance that serves. A rule or a cookie whose version has
 * none gives way to the weights: nobody is sent into nothing for having been a tester once.
 */
export function chooseVersion(compiled: CompiledRoute, facts: RequestFacts): VersionChoice | null {
  const { route } = compiled;
  for (let i = 0; i < route.rules.length; i++) {
    const rule = route.rules[i] as VersionRule;
    const pool = compiled.byVersion.get(rule.version);
    if (pool !== undefined && pool.upstreams.length > 0 && matches(rule, facts))
      return { pool, stick: false };
  }
  if (route.sticky === null || compiled.sticky === null) {
    const pool = byWeight(compiled);
    return pool === null ? null : { pool, stick: false };
  }
  const wanted = facts.cookie(route.sticky.cookie);
  const kept = wanted === null ? -1 : route.versions.findIndex((v) => v.version === wanted && v.weight > 0);
  const keptPool = compiled.weighted[kept];
  if (keptPool !== undefined && keptPool.upstreams.length > 0) return { pool: keptPool, stick: false };
  const pool = byWeight(compiled);
  return pool === null ? null : { pool, stick: true };
}

/** Another version that carries weight, for a request that found nobody in `tried`. */
export function fallbackVersion(compiled: CompiledRoute, tried: readonly VersionPool[]): VersionPool | null {
  const index = compiled.balance.next((i) => {
    const pool = compiled.weighted[i] as VersionPool;
    return pool.upstreams.length > 0 && !tried.includes(pool);
  });
  return index === -1 ? null : (compiled.weighted[index] as VersionPool);
}

function byWeight(compiled: CompiledRoute): VersionPool | null {
  const { weighted } = compiled;
  // One version with an instance is nearly every table at nearly every time.
  if (weighted.length === 1) {
    const only = weighted[0] as VersionPool;
    return only.upstreams.length > 0 ? only : null;
  }
  const index = compiled.balance.next((i) => (weighted[i] as VersionPool).upstreams.length > 0);
  return index === -1 ? null : (weighted[index] as VersionPool);
}

function matches(rule: VersionRule, facts: RequestFacts): boolean {
  if (rule.by === 'path') return isUnder(facts.target, rule.prefix);
  const found = rule.by === 'header' ? facts.header(rule.name.toLowerCase()) : facts.cookie(rule.name);
  return found === rule.value;
}

/** The value of one cookie in a Cookie field (RFC 6265 section 4.2), or null. */
export function cookieValue(field: string | null, name: string): string | null {
  if (field === null) return null;
  for (const pair of field.split(';')) {
    const equals = pair.indexOf('=');
    if (equals !== -1 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return null;
}
