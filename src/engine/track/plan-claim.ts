import type { RouteSpec } from '../../api/application.ts';
import type { ReleaseSpec } from '../../api/release.ts';
import type { Claim, RevisionSpec, TrackStatus } from '../../api/revision.ts';
import type { ErrorDetail, Result } from '../../lib/errors.ts';
import { pinRoutes, planWorkloads } from '../application/plan-workloads.ts';
import { replicasOf, revisionDigest } from '../application/revision.ts';
import { type KeptWarm, planRelease } from '../plan/plan-release.ts';
import { approvedInPlace } from './in-place.ts';
import type { TrackInput, WantedApplication } from './input.ts';
import { highestStanding } from './standing.ts';
import { withoutTurnedBack } from './turned-back.ts';

/** What a claim would carry out if it began now. */
export interface Destination {
  readonly revision: string;
  readonly spec: RevisionSpec;
}

/**
 * The frozen plan of a claim. Replicas, routes, gates and strategy are the application's as it stands; what runs
 * is the destination's. A rollback uses today's manner of releasing and yesterday's content.
 */
export function planClaim(
  input: TrackInput,
  track: TrackStatus,
  wanted: WantedApplication,
  destination: Destination,
  claim: Pick<Claim, 'reason' | 'by' | 'why'>,
): Result<ReleaseSpec, readonly ErrorDetail[]> {
  const from = track.live === null ? undefined : input.revisions[track.live];
  // What goes back has passed its gates and its approval before, and it is urgent: nobody is asked again.
  const isBack = claim.reason === 'rollback';
  // Another revision than the file's takes nothing of what was turned back with that.
  const left = destination.spec.digest === wanted.digest ? wanted : withoutTurnedBack(input, track, wanted);
  const { resolved, inPlace } = isBack ? approvedInPlace(input, track, left) : left;
  const routes = pinRoutes(resolved.routes, resolved.workloads);
  const routesFrom = from === undefined ? [] : standingRoutes(track, from, routes);
  const workloads = planWorkloads(resolved, from?.workloads ?? null, destination.spec.workloads, {
    replicas: track.replicas,
    routes: routesFrom,
  });
  const toWasWarm = track.warm.some((w) => w.revision === destination.revision);
  const protection = isBack ? undefined : input.environmentSpec.protection.approval;
  const gates = isBack ? [] : resolved.gates;
  const planned = planRelease({
    strategy: resolved.strategy,
    liveStrategy: track.liveStrategy,
    from: track.live === null || from === undefined ? null : { name: track.live, digest: from.digest },
    to: { name: destination.revision, digest: destination.spec.digest },
    toIsWarm: toWasWarm,
    workloads,
    gates,
    routes,
    policy: resolved.policy,
    clusters: input.environmentSpec.clusters,
    approval: protection ?? null,
    maxInstances: input.environmentSpec.maxInstances ?? null,
    keptWarm: keptWarm(input, track, destination.revision),
  });
  if (!planned.ok) return planned;
  // A rollback is not kept from beginning by what somebody wrote meanwhile.
  const moved = isBack ? [] : movedRoutes(routesFrom, routes);
  if (moved.length > 0) return { ok: false, error: moved };
  const unrouted = destination.spec.workloads
    .filter(({ name, type }) => type === 'service' && !(name in resolved.workloads))
    .map(({ name }) => name);
  const warnings = [
    ...planned.value.warnings,
    ...(unrouted.length === 0
      ? []
      : [
          `no route leads to ${unrouted.join(', ')} of ${destination.revision}: the application has none for it`,
        ]),
  ];
  return {
    ok: true,
    value: {
      application: input.application,
      environment: input.environment,
      from: from === undefined ? null : track.live,
      to: destination.revision,
      reason: claim.reason,
      strategy: resolved.strategy,
      plan: { ...planned.value, warnings },
      policy: resolved.policy,
      gates: [...gates],
      routes,
      routesFrom,
      clusters: [...input.environmentSpec.clusters],
      replicas: {
        ...replicasOf(resolved),
        ...Object.fromEntries(workloads.map((w) => [w.name, w.replicas])),
      },
      workloads: workloads.map((w) => ({ ...w })),
      toWasWarm,
      inPlace,
      digests: { from: from?.digest ?? null, to: destination.spec.digest },
      requestedBy: claim.by,
      why: claim.why,
      slipwayVersion: input.version,
    },
  };
}

/** The routes that the live revision has now, each with its service of that revision. */
const standingRoutes = (track: TrackStatus, from: RevisionSpec, otherwise: RouteSpec[]): RouteSpec[] =>
  track.standing === undefined
    ? otherwise
    : pinRoutes(track.standing.routes, Object.fromEntries(from.workloads.map((w) => [w.name, w])));

/**
 * The router gives a place to one service at a time (TrafficRouter), and services flip one by one: a route that
 * changes its service would be refused at the flip, or be nobody's for a moment.
 */
const movedRoutes = (before: readonly RouteSpec[], after: readonly RouteSpec[]): ErrorDetail[] =>
  after.flatMap(({ host, path, workload }, index) => {
    const old = before.find((route) => route.host === host && route.path === path)?.workload;
    if (old === undefined || workload === undefined || old === workload) return [];
    const place = `${host ?? '*'}${path}`;
    return [
      {
        path: `spec.routes[${index}]`,
        message: `${place} leads to ${old} and would lead to ${workload}: a route cannot change its service in one release without a moment in which nobody answers; give ${workload} a host or path of its own`,
      },
    ];
  });

/** Warm revisions beside the two of the release, with the instances that each keeps. */
const keptWarm = (input: TrackInput, track: TrackStatus, destination: string): KeptWarm[] =>
  track.warm
    .filter(({ revision }) => revision !== destination && revision !== track.live)
    .map(({ revision, expiresAt, replicas }) => ({
      revision,
      expiresAt,
      instances: (input.revisions[revision]?.workloads ?? [])
        .filter(({ type }) => type === 'service')
        .reduce((sum, { name }) => sum + ((replicas ?? track.replicas)?.[name] ?? 0), 0),
    }));

/** The revision that the application makes: the one that has its digest, or a new number. */
export function destinationOf(
  input: TrackInput,
  track: TrackStatus,
  wanted: WantedApplication,
): Destination & { readonly isNew: boolean } {
  const known = Object.entries(input.revisions).find(([, spec]) => spec.digest === wanted.digest);
  if (known !== undefined) return { revision: known[0], spec: known[1], isNew: false };
  // A track that is new may follow one that was deleted: its revisions keep their names.
  const number = Math.max(
    track.nextRevision,
    highestStanding(input) + 1,
    ...Object.values(input.revisions).map((r) => r.number + 1),
  );
  return { revision: revisionName(input, number), spec: revisionSpec(input, wanted, number), isNew: true };
}

export const revisionName = (
  input: Pick<TrackInput, 'application' | 'environment'>,
  number: number,
): string => `${input.application}-${input.environment}-r${number}`;

export function revisionSpec(
  input: Pick<TrackInput, 'application' | 'environment'>,
  wanted: WantedApplication,
  number: number,
): RevisionSpec {
  return {
    application: input.application,
    environment: input.environment,
    number,
    digest: revisionDigest(wanted.workloads, wanted.resolved.parameters),
    workloads: [...wanted.workloads],
    parameters: { ...wanted.resolved.parameters },
    ...(wanted.source === undefined ? {} : { source: wanted.source }),
  };
}
