import type { Clock } from '../lib/clock.ts';
import type { Certificates } from './certificates.ts';

/** Between two looks at the certificates: many fit into the 30 days in which a renewal is due. */
const INTERVAL_MS = 6 * 3_600_000;

/**
 * Renews certificates while the manager runs, as its start does. Connections that are open go on with the
 * one they began with; the next ones get the new. A failed look is told and made good by the next. Resolves
 * when the signal is aborted.
 */
export async function keepCertificates(options: {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Reads what is there and makes what has to be made. */
  ensure(): Promise<Certificates>;
  renewed(certificates: Certificates): Promise<void>;
  onError(error: unknown): void;
}): Promise<void> {
  const { clock, signal } = options;
  // What was made and could not be taken into use yet.
  let made: Certificates | undefined;
  for (;;) {
    await clock.sleep(INTERVAL_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const certificates = await options.ensure();
      if (certificates.renewed.length > 0) made = certificates;
      if (made !== undefined) await options.renewed(made);
      made = undefined;
    } catch (error) {
      options.onError(error);
    }
  }
}
