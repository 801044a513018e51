import { DEFAULT_ENVIRONMENT } from '../../api/application.ts';
import type { ErrorDetail } from '../../lib/errors.ts';
import type { ResolvedApplication } from './resolve.ts';

/** An application in one environment, and the clusters of that; undefined where there is no such environment. */
export interface Place {
  readonly application: ResolvedApplication;
  readonly clusters: readonly string[] | undefined;
}

/** Environments that changes go to: those that the file names, and by themselves the default one. */
export function goesTo(spec: unknown, named: readonly string[]): ReadonlySet<string> {
  const { release } = (spec ?? {}) as { release?: unknown };
  return new Set(release === 'manual' ? named : [DEFAULT_ENVIRONMENT, ...named]);
}

/**
 * A router sends one host and path to one place. Two environments of one application that stand in one cluster
 * would both ask for it: the second release would be planned and approved before the router refused it.
 */
export function* checkSharedRoutes(
  places: readonly Place[],
  environments: ReadonlySet<string>,
): Iterable<ErrorDetail> {
  const taken = new Map<string, string>();
  // What the file says for all comes first, so that the error names an override that can be written.
  const inOrder = places
    .filter(({ application }) => environments.has(application.environment))
    .toSorted((a, b) => rank(a) - rank(b));
  for (const { application, clusters = [] } of inOrder) {
    const { environment, routes } = application;
    for (const cluster of clusters) {
      for (const { host, path } of routes) {
        const key = `${cluster} ${host ?? '*'}${path}`;
        const other = taken.get(key);
        if (other !== undefined) {
          yield {
            path: `spec.environments.${environment}.routes`,
            message:
              `${host ?? 'every host'} ${path} would lead to ${other} and to ${environment}, which share cluster ${cluster}; ` +
              `allowed: routes of its own, such as environments: { ${environment}: { routes: [{ host: ${environment}.${host ?? 'localhost'} }] } }`,
          };
          break;
        }
      }
      for (const { host, path } of routes) {
        const key = `${cluster} ${host ?? '*'}${path}`;
        if (!taken.has(key)) taken.set(key, environment);
      }
    }
  }
}

const rank = ({ application }: Place): number => (application.environment === DEFAULT_ENVIRONMENT ? 0 : 1);
