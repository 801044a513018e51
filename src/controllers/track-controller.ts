import type { Application } from '../api/application.ts';
import { durationMs } from '../api/duration.ts';
import { API_VERSION, type Stored } from '../api/meta.ts';
import type { Command, Release } from '../api/release.ts';
import type { Revision, Track, TrackStatus } from '../api/revision.ts';
import { hasEnded, initialStatus } from '../engine/release/state.ts';
import { applicationCondition } from '../engine/track/application-condition.ts';
import { decideTrack } from '../engine/track/decide-track.ts';
import type { TrackCommand, TrackEffect, TrackInput } from '../engine/track/input.ts';
import { instant } from '../lib/clock.ts';
import { canonicalJson } from '../lib/digest.ts';
import { type ControllerContext, LABELS } from './context.ts';
import { createOnce, makeExecution } from './make-execution.ts';
import { answerCommand } from './pending-commands.ts';
import { type GatheredTrack, gatherTrack, type TrackName } from './track-input.ts';
import type { ReconcileResult } from './work-queue.ts';

/** One application in one environment: gather, decide, save, act, answer. No choice is made here. */
export async function reconcileTrack(context: ControllerContext, where: TrackName): Promise<ReconcileResult> {
  const { store, clock } = context;
  const gathered = await gatherTrack(store, where);
  if (gathered === undefined) return {};
  const { input } = gathered;
  // A track that deletion has removed is not made again.
  if (gathered.track === undefined && input.deleting) return {};
  const pending = commandsFor(context, where, Object.keys(input.releases), gathered);
  const whole: TrackInput = {
    ...input,
    commands: pending.map(({ command }) => command),
    version: context.version,
    now: clock.now(),
  };
  const decision = decideTrack(whole);
  await saveTrack(context, where, gathered, decision.track);
  for (const effect of decision.effects) await carryOut(context, where, gathered, effect);
  for (const reply of decision.replies) {
    const stored = pending.find(({ command }) => command.uid === reply.uid)?.stored;
    if (stored !== undefined)
      await answerCommand(store, stored, {
        state: reply.state,
        message: reply.message,
        result: { ...reply.result },
      });
  }
  await sayOnApplication(context, where, whole, decision.track);
  return { wakeAt: decision.wakeAt };
}

/** One condition per environment; written only when what it says changes. */
async function sayOnApplication(
  { store }: ControllerContext,
  where: TrackName,
  input: TrackInput,
  track: TrackStatus,
): Promise<void> {
  const stored = await store.get<Application>({
    kind: 'Application',
    namespace: where.namespace,
    name: where.application,
  });
  if (stored === undefined) return;
  const type = where.environment === DEFAULT_ENVIRONMENT ? 'Ready' : `${where.environment}/Ready`;
  const before = stored.status?.conditions ?? [];
  const condition = applicationCondition(input, track, before, type);
  const conditions = [...before.filter((each) => each.type !== type), condition];
  if (canonicalJson(before.find((each) => each.type === type)) === canonicalJson(condition)) return;
  await store.updateStatus<Application>({
    ...stored,
    status: { ...stored.status, observedGeneration: stored.metadata.generation, conditions },
  });
}

/** Verbs for the application in this environment, and those for its releases that have ended. */
function commandsFor(
  { pending }: ControllerContext,
  where: TrackName,
  releases: readonly string[],
  { input }: GatheredTrack,
): { stored: Stored<Command>; command: TrackCommand }[] {
  const asCommand = (stored: Stored<Command>, release: string | null) => {
    const { verb, by, at, why, parameters } = stored.spec;
    return { stored, command: { uid: stored.metadata.uid, verb, release, by, at, why, parameters } };
  };
  const own = pending
    .for(where.namespace, 'Application', where.application)
    .filter(({ spec }) => (spec.environment ?? defaultEnvironment(spec)) === where.environment);
  const ended = releases
    .filter((name) => hasEnded(input.releases[name]?.status.phase ?? 'Pending'))
    .flatMap((name) =>
      pending.for(where.namespace, 'Release', name).map((stored) => asCommand(stored, name)),
    );
  return [...own.map((stored) => asCommand(stored, null)), ...ended];
}

/** Where a verb goes that names no environment. */
export const DEFAULT_ENVIRONMENT = 'local';
const defaultEnvironment = (_: unknown): string => DEFAULT_ENVIRONMENT;

async function saveTrack(
  context: ControllerContext,
  where: TrackName,
  { track }: GatheredTrack,
  status: TrackStatus,
): Promise<void> {
  const { store } = context;
  if (track !== undefined) {
    if (canonicalJson(track.status) !== canonicalJson(status))
      await store.updateStatus<Track>({ ...track, status });
    return;
  }
  await store.create<Track>({
    apiVersion: API_VERSION,
    kind: 'Track',
    metadata: { name: trackName(where), namespace: where.namespace, labels: labelsOf(where) },
    spec: { application: where.application, environment: where.environment },
    status,
  });
}

export const trackName = ({ application, environment }: TrackName): string => `${application}-${environment}`;

const labelsOf = ({ application, environment }: TrackName) => ({
  [LABELS.application]: application,
  [LABELS.environment]: environment,
});

async function carryOut(
  context: ControllerContext,
  where: TrackName,
  gathered: GatheredTrack,
  effect: TrackEffect,
): Promise<void> {
  const { store, clock } = context;
  const { namespace } = where;
  const { application, input } = gathered;
  switch (effect.type) {
    case 'createRevision': {
      const revision: Revision = {
        apiVersion: API_VERSION,
        kind: 'Revision',
        metadata: { name: effect.name, namespace, labels: labelsOf(where) },
        spec: effect.spec,
      };
      return createOnce(store, revision);
    }
    case 'createRelease': {
      const release: Release = {
        apiVersion: API_VERSION,
        kind: 'Release',
        metadata: { name: effect.name, namespace, labels: labelsOf(where) },
        spec: effect.spec,
        status: initialStatus(effect.spec, instant(clock.now())),
      };
      return createOnce(store, release);
    }
    case 'createExecution': {
      const resolved = input.wanted.ok ? input.wanted.value.resolved : undefined;
      const allowances = (pick: 'maxSurge' | 'maxUnavailable') =>
        Object.fromEntries(
          Object.entries(effect.replicas).map(([name]) => [name, resolved?.workloads[name]?.[pick] ?? 0]),
        );
      for (const cluster of input.environmentSpec.clusters) {
        await makeExecution(
          store,
          { namespace, name: effect.name },
          {
            release: null,
            subject: `track/${namespace}/${trackName(where)}`,
            purpose: effect.purpose,
            application: where.application,
            environment: where.environment,
            cluster,
            epoch: effect.epoch,
            sequence: effect.sequence,
            slipwayVersion: context.version,
            stage: 0,
            instructions: [...effect.instructions],
            from: null,
            to: effect.revision,
            replicas: { ...effect.replicas },
            maxSurge: allowances('maxSurge'),
            maxUnavailable: allowances('maxUnavailable'),
            routes: [...(resolved?.routes ?? [])],
            deadlineMs: durationMs(resolved?.policy.progressDeadline ?? '10m'),
          },
        );
      }
      return;
    }
    case 'scaleApplication':
      return scale(store, application, where, effect);
    case 'removeTrack': {
      await store.delete({ kind: 'Track', namespace, name: trackName(where) });
      return;
    }
  }
}

/** The person's own wish, written where they would write it: the environment's override if there is one. */
async function scale(
  store: ControllerContext['store'],
  application: Stored<Application>,
  where: TrackName,
  { workload, replicas }: Extract<TrackEffect, { type: 'scaleApplication' }>,
): Promise<void> {
  type Written = { replicas?: number };
  const spec = structuredClone(application.spec) as unknown as {
    workload?: Written;
    workloads?: Record<string, Written>;
    environments?: Record<string, { workload?: Written; workloads?: Record<string, Written> }>;
  };
  const override = spec.environments?.[where.environment];
  const name = workload ?? Object.keys(spec.workloads ?? {})[0];
  const place =
    spec.workload !== undefined
      ? override?.workload?.replicas === undefined
        ? spec.workload
        : override.workload
      : name === undefined
        ? undefined
        : override?.workloads?.[name]?.replicas === undefined
          ? spec.workloads?.[name]
          : override.workloads[name];
  if (place === undefined) return;
  place.replicas = replicas;
  await store.update<Application>({ ...application, spec: spec as unknown as Application['spec'] });
}
