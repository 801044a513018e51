import * as z from 'zod';
import type { Stored } from '../api/meta.ts';
import type { Revision, Track } from '../api/revision.ts';
import { driftOf, type SeenStanding } from '../engine/track/drift.ts';
import type { Clock } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';

/** Between two looks at what stands, ms. */
const LOOK_MS = 30_000;
const ANSWER_MS = 10_000;

const standing = z.object({
  workloads: z.array(
    z.object({
      key: z.object({ application: z.string(), environment: z.string(), version: z.string() }),
      wanted: z.number(),
    }),
  ),
  services: z.array(
    z.object({
      service: z.object({ application: z.string(), environment: z.string(), workload: z.string() }),
      weights: z.record(z.string(), z.number()),
    }),
  ),
});

export interface DriftOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  clusters(): readonly string[];
  ask(cluster: string, signal: AbortSignal): AsyncIterable<unknown>;
}

/**
 * Notices what somebody else wrote over between releases: a size, the weights of a service. What stands is then no
 * longer known to be what was applied, so that the track brings it about again, in place. Tracks are read before the
 * cluster is asked and written against what was read: what changed meanwhile is looked at the next time.
 */
export async function keepLookingForDrift(options: DriftOptions): Promise<void> {
  const { clock, log, signal } = options;
  while (!signal.aborted) {
    await clock.sleep(LOOK_MS, signal).catch(() => undefined);
    for (const cluster of signal.aborted ? [] : options.clusters()) {
      await lookAt(cluster, options).catch((error: unknown) =>
        log.debug('what stands cannot be looked at just now', { cluster, error }),
      );
    }
  }
}

async function lookAt(cluster: string, { store, clock, log, signal, ask }: DriftOptions): Promise<void> {
  const { items } = await store.list<Track>('Track');
  const late = new AbortController();
  using _limit = clock.setTimer(ANSWER_MS, () => late.abort(new Error('no answer')));
  let seen: z.output<typeof standing> | undefined;
  for await (const answer of ask(cluster, AbortSignal.any([signal, late.signal])))
    seen = standing.parse(answer);
  if (seen === undefined) return;
  for (const track of items) {
    const message = await driftIn(store, track, seen);
    if (message === null || track.status === undefined) continue;
    log.warn('somebody else changed what stands; it is brought about again', {
      track: track.metadata.name,
      cluster,
      message,
    });
    try {
      await store.updateStatus<Track>({ ...track, status: { ...track.status, applied: null } });
    } catch (error) {
      if (!isSlipwayError(error, 'conflict')) throw error;
    }
  }
}

async function driftIn(
  store: Store,
  { metadata, spec, status }: Stored<Track>,
  { workloads, services }: z.output<typeof standing>,
): Promise<string | null> {
  if (status === undefined || status.live === null) return null;
  const { namespace } = metadata;
  const live = await store.get<Revision>({ kind: 'Revision', namespace, name: status.live });
  if (live === undefined) return null;
  const isOwn = (each: { application: string; environment: string }): boolean =>
    each.application === spec.application && each.environment === spec.environment;
  const seen: SeenStanding = {
    workloads: workloads
      .filter(({ key }) => isOwn(key))
      .map(({ key, wanted }) => ({ version: key.version, wanted })),
    services: services
      .filter(({ service }) => isOwn(service))
      .map(({ service, weights }) => ({ workload: service.workload, weights })),
  };
  return driftOf(status, live.spec, seen);
}
