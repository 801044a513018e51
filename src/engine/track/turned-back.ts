import type { RouteSpec } from '../../api/application.ts';
import type { TrackStatus } from '../../api/revision.ts';
import { canonicalJson } from '../../lib/digest.ts';
import { pinRoutes } from '../application/plan-workloads.ts';
import type { ResolvedApplication } from '../application/resolve.ts';
import { inPlaceDigest } from '../application/revision.ts';
import type { TrackInput, WantedApplication } from './input.ts';

/**
 * The application as it may stand in place. Routes and replicas that came with a release that was turned back
 * belong to its content: while that content is what the file has and not what serves, they do not follow it in
 * place, so that the old version keeps the routes and the strength that it went back to. What is changed
 * afterwards does.
 */
export function withoutTurnedBack(
  { revisions }: Pick<TrackInput, 'revisions'>,
  track: TrackStatus,
  wanted: WantedApplication,
): WantedApplication {
  const { unsuccessful, standing, live, replicas } = track;
  const brought = unsuccessful?.terms;
  if (brought === undefined || standing === undefined || live === null) return wanted;
  const { resolved, digest, inPlace } = wanted;
  const serves = revisions[live]?.digest === digest;
  if (unsuccessful?.digest !== digest || serves || inPlace === standing.inPlace) return wanted;
  const same = sameRoutes(resolved, brought.routes);
  const workloads = Object.fromEntries(
    Object.entries(resolved.workloads).map(([name, workload]) => [
      name,
      workload.replicas === brought.replicas[name]
        ? { ...workload, replicas: replicas?.[name] ?? workload.replicas }
        : workload,
    ]),
  );
  const rest = { ...resolved, workloads, routes: same ? standing.routes : resolved.routes };
  const changed =
    !same || Object.entries(workloads).some(([name, workload]) => workload.replicas !== replicas?.[name]);
  return { ...wanted, resolved: rest, inPlace: changed ? inPlaceDigest(rest) : standing.inPlace };
}

/**
 * What somebody has set to something else is the file's own from then on: setting it again to what the release
 * brought is a wish like any other.
 */
export function forgetChangedTerms({ wanted }: TrackInput, track: TrackStatus): TrackStatus {
  const { unsuccessful } = track;
  if (!wanted.ok || unsuccessful?.terms === undefined) return track;
  const { resolved, digest } = wanted.value;
  if (unsuccessful.digest !== digest) return track;
  const { routes, replicas } = unsuccessful.terms;
  const kept = Object.entries(replicas).filter(
    ([name, size]) => (resolved.workloads[name]?.replicas ?? size) === size,
  );
  const same = sameRoutes(resolved, routes);
  if (same === (routes !== undefined) && kept.length === Object.keys(replicas).length) return track;
  const terms = { replicas: Object.fromEntries(kept), ...(same ? { routes } : {}) };
  return { ...track, unsuccessful: { ...unsuccessful, terms } };
}

const sameRoutes = (
  { routes, workloads }: ResolvedApplication,
  brought: readonly RouteSpec[] | undefined,
): boolean => brought !== undefined && canonicalJson(pinRoutes(routes, workloads)) === canonicalJson(brought);

/** `withoutTurnedBack` for what is decided of the application as a whole. */
export function asItMayStand(input: TrackInput, track: TrackStatus): TrackInput {
  const { wanted } = input;
  return wanted.ok
    ? { ...input, wanted: { ok: true, value: withoutTurnedBack(input, track, wanted.value) } }
    : input;
}
