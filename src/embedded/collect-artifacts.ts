import type { FetchedArtifacts } from '../artifacts/fetched-artifacts.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

/** How long an unpacked artifact is kept that nothing names: what is rolled back to may be asked for again. */
const KEPT_MS = 3_600_000;
const INTERVAL_MS = 600_000;

/** Removes unpacked artifacts that neither a held order, a workload nor an instance names. Never rejects. */
export async function collectArtifacts(options: {
  readonly artifacts: Pick<FetchedArtifacts, 'collect'>;
  readonly named: () => ReadonlySet<string>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { artifacts, named, clock, log, signal } = options;
  while (!signal.aborted) {
    await artifacts.collect(named, KEPT_MS).catch((error: unknown) => {
      log.warn('artifacts that nothing names could not be removed; trying again later', { error });
    });
    await clock.sleep(INTERVAL_MS, signal).catch(() => undefined);
  }
}
