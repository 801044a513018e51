import type { Application } from '../api/application.ts';
import { API_VERSION } from '../api/meta.ts';
import type { Command } from '../api/release.ts';
import type { Track } from '../api/revision.ts';
import { isAbsent } from '../engine/application/absent.ts';
import { instant } from '../lib/clock.ts';
import { type ControllerContext, LABELS } from './context.ts';
import { createOnce } from './make-execution.ts';

/** Keeps a deleted Application until all that runs of it is drained and removed. */
export const DRAIN_FINALIZER = 'slipway.dev/drain';

/**
 * Deletion, of the application or from one environment that it leaves: releases in flight turn back, then each track
 * drains and removes what it has (engine/track/work). Then the finalizer goes and with it the application; one that
 * only leaves stays.
 */
export async function reconcileDeletion(
  context: ControllerContext,
  namespace: string,
  name: string,
): Promise<void> {
  const { store } = context;
  const application = await store.get<Application>({ kind: 'Application', namespace, name });
  if (application === undefined) return;
  const all = application.metadata.deletionTimestamp !== undefined;
  const tracks = await store.list<Track>('Track', { namespace, labels: { [LABELS.application]: name } });
  for (const track of tracks.items) {
    const { environment } = track.spec;
    if (track.spec.application !== name || !(all || isAbsent(application.spec, environment))) continue;
    const active = track.status?.active;
    if (active === null || active === undefined) continue;
    const command: Command = {
      apiVersion: API_VERSION,
      kind: 'Command',
      // One abort per release, however often this runs.
      metadata: { name: `${active.release}-abort-deletion`, namespace },
      spec: {
        verb: 'abort',
        target: { kind: 'Release', name: active.release },
        by: 'slipway',
        at: instant(context.clock.now()),
        why: all ? `application ${name} is being deleted` : `application ${name} leaves ${environment}`,
        parameters: {},
      },
    };
    await createOnce(store, command);
  }
  if (!all || tracks.items.length > 0) return;
  const finalizers = (application.metadata.finalizers ?? []).filter((each) => each !== DRAIN_FINALIZER);
  await store.update<Application>({ ...application, metadata: { ...application.metadata, finalizers } });
}
