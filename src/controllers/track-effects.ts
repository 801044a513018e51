import { type Application, CHANGED_BY_ANNOTATION } from '../api/application.ts';
import { durationMs } from '../api/duration.ts';
import { API_VERSION } from '../api/meta.ts';
import type { Release } from '../api/release.ts';
import type { Revision } from '../api/revision.ts';
import { initialStatus, unbegunStatus } from '../engine/release/state.ts';
import type { TrackEffect } from '../engine/track/input.ts';
import { instant } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { ObjectKey } from '../store/store.ts';
import { type ControllerContext, LABELS, RELEASED_BY_ANNOTATION } from './context.ts';
import { createOnce, makeExecution } from './make-execution.ts';
import { type GatheredTrack, type TrackName, workName } from './track-input.ts';

export const trackName = ({ application, environment }: TrackName): string => `${application}-${environment}`;

export const labelsOf = ({ application, environment }: TrackName) => ({
  [LABELS.application]: application,
  [LABELS.environment]: environment,
});

/**
 * Effects whose durable intent is not the track: content is stored before anything names it, and a change of the
 * application stands in its Command until it is answered. A crash behind them repeats them.
 */
export const isBeforeSave = ({ type }: TrackEffect): boolean =>
  type === 'createRevision' || type === 'scaleApplication' || type === 'nameRelease';

/** Carries out one effect of a track's decision; each is safe to repeat. */
export async function carryOut(
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
      return storeRevision(store, revision);
    }
    case 'holdRevision':
      return holdRevision(store, { kind: 'Revision', namespace, name: effect.name }, effect.release);
    case 'createRelease': {
      const release: Release = {
        apiVersion: API_VERSION,
        kind: 'Release',
        metadata: { name: effect.name, namespace, labels: labelsOf(where) },
        spec: effect.spec,
        status:
          effect.unbegun === undefined
            ? initialStatus(effect.spec, instant(clock.now()))
            : unbegunStatus(effect.spec, instant(clock.now()), effect.unbegun),
      };
      return createOnce(store, release);
    }
    case 'createExecution': {
      const resolved = input.wanted.ok ? input.wanted.value.resolved : undefined;
      const allowances = (pick: 'maxSurge' | 'maxUnavailable') =>
        Object.fromEntries(
          Object.entries(effect.replicas).map(([name]) => [name, resolved?.workloads[name]?.[pick] ?? 0]),
        );
      const { clusters } = input.environmentSpec;
      for (const cluster of clusters) {
        await makeExecution(
          store,
          { namespace, name: workName(effect.name, cluster, clusters) },
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
            routes: [...effect.routes],
            deadlineMs: durationMs(resolved?.policy.progressDeadline ?? '10m'),
          },
        );
      }
      return;
    }
    case 'scaleApplication':
      if (application === undefined) return;
      await store.update<Application>({
        ...application,
        metadata: {
          ...application.metadata,
          annotations: { ...application.metadata.annotations, [CHANGED_BY_ANNOTATION]: effect.by },
        },
        spec: effect.spec as Application['spec'],
      });
      return;
    case 'nameRelease': {
      const release = await store.get<Release>({ kind: 'Release', namespace, name: effect.name });
      if (release === undefined) return;
      const { by: requestedBy, why } = effect;
      await store.update<Release>({ ...release, spec: { ...release.spec, requestedBy, why } });
      return;
    }
    case 'removeTrack': {
      await store.delete({ kind: 'Track', namespace, name: trackName(where) });
      return;
    }
  }
}

/**
 * Content under its name, once. Other content under this name is a race that was lost: the decision that made it
 * is thrown away, since nothing may run under a name that says something else (INV-26).
 */
async function storeRevision(store: ControllerContext['store'], revision: Revision): Promise<void> {
  await createOnce(store, revision);
  const { name, namespace } = revision.metadata;
  const stored = await store.get<Revision>({ kind: 'Revision', namespace, name });
  if (stored?.spec.digest !== revision.spec.digest)
    throw new SlipwayError('conflict', `revision ${name} was made with other content meanwhile`);
}

/**
 * The claim stands, so that retention keeps the revision from now on; what it selected before is stale once the
 * revision is written (INV-24). One that is gone already throws the decision away: the next one does without it.
 */
async function holdRevision(
  store: ControllerContext['store'],
  key: ObjectKey,
  release: string,
): Promise<void> {
  const stored = await store.get<Revision>(key);
  if (stored === undefined)
    throw new SlipwayError('conflict', `revision ${key.name} was collected meanwhile`);
  const { annotations } = stored.metadata;
  if (annotations?.[RELEASED_BY_ANNOTATION] === release) return;
  const metadata = { ...stored.metadata, annotations: { ...annotations, [RELEASED_BY_ANNOTATION]: release } };
  await store.update<Revision>({ ...stored, metadata });
}
