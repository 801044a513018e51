import type { Execution, GateRun, Receipt } from '../api/execution.ts';
import type { ApiObject, Stored } from '../api/meta.ts';
import type { Command, Release } from '../api/release.ts';
import type { Revision, Track } from '../api/revision.ts';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { Clock } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import { RETENTION, type RetentionInput, type RetentionPolicy, selectExpired } from './retention.ts';
import type { Store } from './store.ts';

export interface RetentionOptions {
  readonly store: Store;
  readonly artifacts: Pick<ArtifactStore, 'list' | 'remove'>;
  readonly clock: Clock;
  readonly policy?: RetentionPolicy;
}

export interface RetentionOutcome {
  readonly objects: number;
  readonly artifacts: number;
  /** Changed while it was decided about them: the next pass looks again. */
  readonly skipped: number;
}

/**
 * One pass: reads, selects, deletes, three times over: releases, then what only they named, then artifacts.
 * Each object goes only if it is still the one that was judged (uid and version), so a release that is taken
 * up again meanwhile stays, and with it what it names. A pass that is cut short is made good by the next.
 */
export async function runRetention(options: RetentionOptions): Promise<RetentionOutcome> {
  const { clock, policy = RETENTION } = options;
  const select = async () => selectExpired(await read(options), policy, clock.now());
  const releases = await removeObjects(options.store, (await select()).releases);
  const others = await removeObjects(options.store, (await select()).objects);
  const artifacts = await removeArtifacts(options, (await select()).artifacts);
  return {
    objects: releases.removed + others.removed,
    artifacts,
    skipped: releases.skipped + others.skipped,
  };
}

async function removeObjects(store: Store, objects: readonly Stored[]) {
  let [removed, skipped] = [0, 0];
  for (const { kind, metadata } of objects) {
    const { namespace, name, uid, resourceVersion } = metadata;
    try {
      await store.delete({ kind, namespace, name }, { uid, resourceVersion });
      removed += 1;
    } catch (error) {
      if (!isSlipwayError(error, 'conflict')) throw error;
      skipped += 1;
    }
  }
  return { removed, skipped };
}

async function removeArtifacts(options: RetentionOptions, digests: readonly string[]): Promise<number> {
  const { artifacts, clock, policy = RETENTION } = options;
  const present = new Map((await artifacts.list()).map(({ digest, storedAt }) => [digest, storedAt]));
  let removed = 0;
  for (const digest of digests) {
    // Uploaded or asked for again meanwhile: somebody is about to name it.
    const storedAt = present.get(digest);
    if (storedAt === undefined || clock.now() - storedAt <= policy.graceMs) continue;
    await artifacts.remove(digest);
    removed += 1;
  }
  return removed;
}

/** Passes every `intervalMs` until the signal is aborted; a pass that fails is told and the next one comes. */
export async function keepRetention(
  options: RetentionOptions & {
    readonly intervalMs: number;
    readonly signal: AbortSignal;
    readonly onPass: (outcome: RetentionOutcome) => void;
    readonly onError: (error: unknown) => void;
  },
): Promise<void> {
  while (!options.signal.aborted) {
    await runRetention(options).then(options.onPass, options.onError);
    // Rejects with the abort's reason, which is how this ends.
    await options.clock.sleep(options.intervalMs, options.signal).catch(() => undefined);
  }
}

async function read({ store, artifacts }: RetentionOptions): Promise<RetentionInput> {
  const all = async <T extends ApiObject>(kind: string): Promise<readonly Stored<T>[]> =>
    (await store.list<T>(kind)).items;
  const naming = async () => [
    ...(await all('Application')),
    ...(await all('Template')),
    ...(await all('Artifact')),
  ];
  // What names is read after what is named, so that nothing new is named by what was not read. An application is read
  // before its revisions as well: what it names may become a revision's and no longer its own while this reads.
  const stored = await artifacts.list();
  const namedBefore = await naming();
  return {
    artifacts: stored,
    revisions: await all<Revision>('Revision'),
    executions: await all<Execution>('Execution'),
    gateRuns: await all<GateRun>('GateRun'),
    receipts: await all<Receipt>('Receipt'),
    commands: await all<Command>('Command'),
    releases: await all<Release>('Release'),
    tracks: await all<Track>('Track'),
    naming: [...namedBefore, ...(await naming())],
  };
}
