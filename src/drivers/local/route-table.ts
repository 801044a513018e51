import { createHash } from 'node:crypto';
import type { RouteSpec } from '../../api/application.ts';
import type { Backend, Route, VersionRule, WeightedVersion } from '../../router/table.ts';
import type { TrafficWish } from '../cluster-driver.ts';
import { serviceId } from './keys.ts';

/**
 * The router's routes of one service. `backends` are those of the same table: a version without any is not
 * named (INV-3), and its share goes to the others until it has one again.
 */
export function routesOf(wish: TrafficWish, backends: readonly Backend[]): Route[] {
  const service = serviceId(wish.service);
  const own = backends.filter((backend) => backend.service === service);
  const present = new Set(own.map((backend) => backend.version));
  const serving = new Set(own.filter(({ state }) => state === 'serving').map(({ version }) => version));
  const versions = shares(wish.weights, present);
  return wish.routes.map((route) => ({
    id: `${service}/${createHash('sha256')
      .update(`${route.host ?? '*'} ${route.path}`)
      .digest('hex')
      .slice(0, 10)}`,
    service,
    host: route.host ?? null,
    path: route.path,
    versions,
    rules: route.rules.flatMap((rule) => {
      const version = ruleVersion(rule.version, wish);
      // Nobody is sent to a version that has nobody proven; the weights decide instead.
      return version === null || !serving.has(version) ? [] : conditionsOf(rule, version);
    }),
    sticky: route.sticky ?? null,
    timeouts: route.timeouts,
  }));
}

/** Weights over the versions that are present, in whole numbers that sum to 100 (largest remainders). */
export function shares(
  weights: Readonly<Record<string, number>>,
  present: ReadonlySet<string>,
): WeightedVersion[] {
  const named = Object.entries(weights).filter(([version, weight]) => weight > 0 && present.has(version));
  const total = named.reduce((sum, [, weight]) => sum + weight, 0);
  const exact = named.map(([version, weight]) => ({ version, exact: (weight * 100) / total }));
  const floors = exact.map(({ version, exact: share }) => ({
    version,
    weight: Math.floor(share),
    rest: share - Math.floor(share),
  }));
  const missing = 100 - floors.reduce((sum, { weight }) => sum + weight, 0);
  const first = floors.toSorted((a, b) => b.rest - a.rest).map(({ version }) => version);
  return floors.map(({ version, weight }) => {
    const more = first.indexOf(version) < missing ? 1 : 0;
    return { version, weight: weight + more };
  });
}

/** `new`, `old` or `r2` as the version's name. */
export function ruleVersion(name: string, wish: TrafficWish): string | null {
  return name === 'new' || name === 'old' ? wish.aliases[name] : `${wish.service.workload}-${name}`;
}

const conditionsOf = (rule: RouteSpec['rules'][number], version: string): VersionRule[] => [
  ...(rule.header === undefined ? [] : [{ by: 'header' as const, ...rule.header, version }]),
  ...(rule.cookie === undefined ? [] : [{ by: 'cookie' as const, ...rule.cookie, version }]),
  ...(rule.path === undefined ? [] : [{ by: 'path' as const, prefix: rule.path, version }]),
];

/** Why the router cannot carry out these routes; null when it can. */
export function routesRefusal(wish: TrafficWish, others: readonly TrafficWish[]): string | null {
  const own = new Set<string>();
  for (const route of wish.routes) {
    const place = `${route.host ?? '*'}${route.path}`;
    if (route.host?.startsWith('*.') === true) {
      return `the built-in router knows exact hosts, or every host; "${route.host}" is a pattern`;
    }
    if (own.has(place)) return `two routes are for ${place}`;
    own.add(place);
    for (const rule of route.rules) {
      const conditions = [rule.header, rule.cookie, rule.path].filter((one) => one !== undefined).length;
      if (conditions !== 1) return `a rule of route ${place} must have exactly one of header, cookie or path`;
    }
  }
  for (const other of others) {
    const taken = other.routes.find((route) => own.has(`${route.host ?? '*'}${route.path}`));
    if (taken === undefined) continue;
    const { application, environment, workload } = other.service;
    const which = application === wish.service.application && environment === wish.service.environment;
    // Its own services are told apart by their names.
    return `${taken.host ?? '*'}${taken.path} belongs to ${which ? `service ${workload} of ` : ''}application ${application} in environment ${environment}`;
  }
  return null;
}
