import type { Application } from '../api/application.ts';
import { API_VERSION } from '../api/meta.ts';
import type { Command } from '../api/release.ts';
import type { Track } from '../api/revision.ts';
import { instant } from '../lib/clock.ts';
import { type ControllerContext, LABELS } from './context.ts';
import { createOnce } from './make-execution.ts';

/** Keeps a deleted Application until all that runs of it is drained and removed. */
export const DRAIN_FINALIZER = 'slipway.dev/drain';

/**
 * Deletion: releases in flight turn back, then each track drains and removes what it has (engine/track/work),
 * then the finalizer goes and with it the application.
 */
export async function reconcileDeletion(
  context: ControllerContext,
  namespace: string,
  name: string,
): Promise<void> {
  const { store } = context;
  const application = await store.get<Application>({ kind: 'Application', namespace, name });
  if (application?.metadata.deletionTimestamp === undefined) return;
  const tracks = await store.list<Track>('Track', { namespace, labels: { [LABELS.application]: name } });
  for (const track of tracks.items) {
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
        why: `application ${name} is being deleted`,
        parameters: {},
      },
    };
    await createOnce(store, command);
  }
  if (tracks.items.length > 0) return;
  const finalizers = (application.metadata.finalizers ?? []).filter((each) => each !== DRAIN_FINALIZER);
  await store.update<Application>({ ...application, metadata: { ...application.metadata, finalizers } });
}
