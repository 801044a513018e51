import type { RevisionSpec } from '../../api/revision.ts';
import type { PinnedWorkload, Workload } from '../../api/workload.ts';
import { digestOf } from '../../lib/digest.ts';
import type { ResolvedApplication } from './resolve.ts';

/** Named with its value, so that a later change of it cannot make old revisions look changed (peers.md row 11). */
const DIGEST_ALGORITHM = 'v1';

export interface PinInput {
  readonly application: ResolvedApplication;
  /** Version of each secret that env names, so that a changed secret makes a revision. */
  readonly secretVersion: (secret: string, key: string) => string | undefined;
  readonly source: string | undefined;
}

/** What runs, pinned by digest: all that makes a revision. Replicas, gates and routes are no part of it. */
export function pinWorkloads({ application, secretVersion }: PinInput): PinnedWorkload[] {
  return Object.entries(application.workloads)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, workload]) => pin(name, workload, secretVersion));
}

function pin(name: string, workload: Workload, secretVersion: PinInput['secretVersion']): PinnedWorkload {
  const env = Object.fromEntries(
    Object.entries(workload.env).map(([variable, value]) => [
      variable,
      typeof value === 'string'
        ? value
        : { ...value, version: secretVersion(value.secret, value.key) ?? 'missing' },
    ]),
  );
  return {
    name,
    type: workload.type,
    ...(workload.artifact === undefined ? {} : { artifact: artifactDigest(workload.artifact) }),
    ...(workload.image === undefined ? {} : { image: workload.image }),
    command: workload.command,
    ...(workload.workingDirectory === undefined ? {} : { workingDirectory: workload.workingDirectory }),
    ...(workload.port === undefined ? {} : { port: workload.port }),
    env,
    ...(workload.readiness === undefined ? {} : { readiness: workload.readiness }),
    drain: workload.drain,
  };
}

/** `shop@sha256:…` or `sha256:…` → the digest; undefined for anything that is not pinned yet. */
export const artifactDigest = (artifact: string): string =>
  /(?:^|@)(sha256:[0-9a-f]{64})$/.exec(artifact)?.[1] ?? artifact;

export const isPinned = (artifact: string): boolean => /(?:^|@)sha256:[0-9a-f]{64}$/.test(artifact);

/** Digest of what runs; equal digests mean that there is nothing to release. */
export const revisionDigest = (
  workloads: readonly PinnedWorkload[],
  parameters: Readonly<Record<string, unknown>>,
): string => `${DIGEST_ALGORITHM}:${digestOf({ workloads, parameters })}`;

/** Digest of what applies in place: replicas and routes. */
export const inPlaceDigest = (application: ResolvedApplication): string =>
  digestOf({ routes: application.routes, replicas: replicasOf(application) });

export const replicasOf = (application: ResolvedApplication): Record<string, number> =>
  Object.fromEntries(
    Object.entries(application.workloads).map(([name, workload]) => [name, workload.replicas]),
  );

/** Version name of a workload of a revision, as the router and people see it: `shop-r2`. */
export const versionName = (workload: string, revision: number): string => `${workload}-r${revision}`;

/** Field by field, what differs between two revisions; for `plan` and `diff`. */
export function differences(
  from: Pick<RevisionSpec, 'workloads' | 'parameters'> | null,
  to: Pick<RevisionSpec, 'workloads' | 'parameters'>,
): { path: string; from: unknown; to: unknown }[] {
  const flat = (value: Pick<RevisionSpec, 'workloads' | 'parameters'> | null) =>
    value === null
      ? new Map<string, unknown>()
      : flatten({
          ...Object.fromEntries(value.workloads.map((w) => [w.name, w])),
          parameters: value.parameters,
        });
  const a = flat(from);
  const b = flat(to);
  return [...new Set([...a.keys(), ...b.keys()])]
    .sort()
    .filter((path) => a.get(path) !== b.get(path))
    .map((path) => ({ path, from: a.get(path), to: b.get(path) }));
}

function flatten(value: unknown, path = '', into = new Map<string, unknown>()): Map<string, unknown> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    for (const [key, item] of Object.entries(value))
      flatten(item, path === '' ? key : `${path}.${key}`, into);
  } else into.set(path, Array.isArray(value) ? JSON.stringify(value) : value);
  return into;
}
