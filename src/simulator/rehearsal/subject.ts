import type { EnvironmentSpec } from '../../api/environment.ts';
import type { ReleaseSpec } from '../../api/release.ts';
import type { PinnedWorkload } from '../../api/workload.ts';
import type { ResolvedApplication } from '../../engine/application/resolve.ts';
import { type Side, type SideWorkload, type Subject, sideOf, sideOfRevision } from './side.ts';

/** What stands in an environment. */
export interface Standing {
  readonly workloads: readonly PinnedWorkload[];
  readonly replicas: Readonly<Record<string, number>>;
}

/** An application as one environment sees it, from what stands there. Null: from nothing; `same`: from its own kind. */
export function applicationSubject(
  resolved: ResolvedApplication,
  environmentSpec: EnvironmentSpec,
  stands: Standing | null | 'same',
  source: string,
): Subject {
  const to = sideOf(resolved);
  const { name: application, environment } = resolved;
  const from =
    stands === null ? null : stands === 'same' ? to : sideOfRevision(stands.workloads, stands.replicas, to);
  return { application, environment, environmentSpec, from, to, source };
}

/** A release that was made, from the revision that it began at to the one that it is for. */
export function releaseSubject(
  { application, environment, strategy, gates, routes, policy, replicas, workloads }: ReleaseSpec,
  environmentSpec: EnvironmentSpec,
  revisions: { readonly from: readonly PinnedWorkload[] | null; readonly to: readonly PinnedWorkload[] },
  source: string,
): Subject {
  const planned = Object.fromEntries(workloads.map((each) => [each.name, each]));
  const known = revisions.to.map(
    ({ name, type, command, port, readiness, drain }): [string, SideWorkload] => [
      name,
      {
        ...{ type, command, readiness, drain },
        port: port === undefined ? undefined : { env: port.env },
        replicas: replicas[name] ?? 1,
        maxSurge: planned[name]?.surge ?? '100%',
        maxUnavailable: planned[name]?.unavailable ?? 0,
      },
    ],
  );
  const to: Side = { strategy, gates, routes, policy, workloads: Object.fromEntries(known) };
  const before = Object.fromEntries(workloads.map((each) => [each.name, each.replicasFrom]));
  const from = revisions.from === null ? null : sideOfRevision(revisions.from, before, to);
  return { application, environment, environmentSpec, from, to, source };
}
