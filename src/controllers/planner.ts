import type { Plan } from '../api/plan.ts';
import type { ReleaseSpec } from '../api/release.ts';
import { differences, versionName } from '../engine/application/revision.ts';
import { evaluateWeights } from '../engine/counts.ts';
import { positionOf } from '../engine/strategies/stage.ts';
import { automatic } from '../engine/track/automatic.ts';
import { releaseName } from '../engine/track/claim.ts';
import type { TrackInput } from '../engine/track/input.ts';
import { destinationOf, planClaim } from '../engine/track/plan-claim.ts';
import { secondRelease, whyNotNow } from '../engine/track/second-release.ts';
import type { Clock } from '../lib/clock.ts';
import { type ErrorDetail, SlipwayError } from '../lib/errors.ts';
import type { Planner, PlanPreview, PlanRequest } from '../server/dependencies.ts';
import type { Store } from '../store/store.ts';
import { whatIsMissing } from './missing.ts';
import { gatherTrack } from './track-input.ts';

const NO_PLAN: Plan = { strategy: '', stages: [], afterwards: 'none', rollback: [], warnings: [], hash: '' };

/** Dry runs by the very functions that make releases: nothing is written. */
export function createPlanner(options: { store: Store; clock: Clock; version: string }): Planner {
  return { plan: (request) => plan(options, request) };
}

async function plan(
  { store, clock, version }: { store: Store; clock: Clock; version: string },
  request: PlanRequest,
): Promise<PlanPreview> {
  const gathered = await gatherTrack(store, request, { now: clock.now(), spec: request.spec });
  if (gathered?.environment === undefined) {
    const { message, next } = await whatIsMissing(store, request);
    throw new SlipwayError('notFound', message, { next });
  }
  const input: TrackInput = { ...gathered.input, commands: [], version, now: clock.now() };
  const { track } = input;
  if (!input.wanted.ok) return refusedPreview(track.live, input.wanted.error);
  const wanted = input.wanted.value;
  const back =
    request.to === undefined
      ? undefined
      : Object.entries(input.revisions).find(
          ([name]) => name === request.to || name.endsWith(`-${request.to}`),
        );
  if (request.to !== undefined && back === undefined) {
    return refusedPreview(track.live, [
      {
        path: 'to',
        message: `there is no revision ${request.to}; there are ${Object.keys(input.revisions).join(', ') || 'none'}`,
      },
    ]);
  }
  const destination =
    back === undefined ? destinationOf(input, track, wanted) : { revision: back[0], spec: back[1] };
  const from = track.live === null ? null : (input.revisions[track.live] ?? null);
  const planned = planClaim(input, track, wanted, destination, {
    reason: back === undefined ? 'release' : 'rollback',
    by: 'plan',
    why: null,
  });
  if (!planned.ok) return refusedPreview(track.live, planned.error);
  const refusal = back === undefined ? whyNotNow(input, wanted) : null;
  if (refusal !== null) return refusedPreview(track.live, [{ path: 'spec.policy', message: refusal }]);
  return {
    release: releaseName(track, destination.revision).name,
    from: track.live,
    to: destination.revision,
    changes: destination.revision !== track.live,
    automatic: automatic(input, track) === 'begins',
    plan: planned.value.plan,
    differences: differences(from, destination.spec),
    now: nowOf(planned.value, from?.number ?? null, destination.spec.number),
    timeline: timelineOf(planned.value, from?.number ?? null, destination.spec.number),
    warnings: [...planned.value.plan.warnings, ...notices(input)],
    refusals: [],
  };
}

const refusedPreview = (from: string | null, refusals: readonly ErrorDetail[]): PlanPreview => ({
  release: '',
  from,
  to: '',
  changes: false,
  plan: NO_PLAN,
  differences: [],
  now: null,
  timeline: [],
  warnings: [],
  refusals,
});

function notices(input: TrackInput): string[] {
  const { track } = input;
  return [
    ...(track.hold === null ? [] : [`a rollback by ${track.hold.by} holds automatic releases`]),
    ...(track.active === null ? [] : [secondRelease(input, track.active)]),
  ];
}

/** The largest workload with routes stands for all. */
function shownOf({ workloads }: ReleaseSpec): ReleaseSpec['workloads'][number] | undefined {
  const running = workloads.filter((w) => w.type !== 'migration');
  return running.filter((w) => w.routed).sort((a, b) => b.replicas - a.replicas)[0] ?? running[0];
}

/** Before the first stage: the live revision at its size with all traffic, and a warm destination at its own. */
function nowOf(
  release: ReleaseSpec,
  from: number | null,
  to: number,
): NonNullable<PlanPreview['now']> | null {
  const shown = shownOf(release);
  if (shown === undefined || from === null || from === to) return null;
  return {
    from: shown.inFrom ? shown.replicasFrom : 0,
    to: release.toWasWarm && shown.inTo ? shown.replicas : 0,
    weights: { [versionName(shown.name, from)]: 100 },
  };
}

/** Capacity and traffic after each stage, for the workload that is shown. */
function timelineOf(release: ReleaseSpec, from: number | null, to: number): PlanPreview['timeline'] {
  const shown = shownOf(release);
  if (shown === undefined) return [];
  let weights: Record<string, number> = from === null ? {} : { [versionName(shown.name, from)]: 100 };
  return release.plan.stages.map((stage) => {
    const at = stage.result.find((each) => each.workload === shown.name);
    if (at?.weights !== null && at?.weights !== undefined) {
      const share = evaluateWeights(at.weights, shown.replicas, shown.replicasFrom);
      const entries = [
        ...(from === null ? [] : [[versionName(shown.name, from), share.from] as const]),
        [versionName(shown.name, to), share.to] as const,
      ];
      weights = Object.fromEntries(entries.filter(([, weight]) => weight > 0));
    }
    const gates = [
      ...stage.gatesBefore.map(({ name }) => `gate ${name} first`),
      ...stage.gatesAfter.map(({ name }) => `then gate ${name}`),
    ];
    const pause =
      stage.advance.kind === 'manual'
        ? ['pauses for promote']
        : stage.advance.kind === 'soak'
          ? [`watches ${stage.advance.ms / 1000} s`]
          : [];
    return {
      stage: stage.number,
      title: stage.title,
      ...(at === undefined ? { from: 0, to: 0 } : positionOf(shown, at)),
      weights,
      note: [...gates, ...pause].join(', '),
    };
  });
}
