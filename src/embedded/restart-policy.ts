/** One end of a process that nobody asked for. */
export interface Death {
  /** Monotonic ms. */
  readonly at: number;
  /** It had been ready: whatever ended it came from outside or later than its start. */
  readonly wasReady: boolean;
}

/** Deaths further back than this say nothing about the next start. */
export const MEMORY_MS = 60_000;

const DELAYS_MS = [0, 100, 500, 2_000, 5_000, 10_000] as const;
/** A process that had been ready may die this often within the memory before it has to wait. */
const FREE_DEATHS = 20;

/**
 * How long to wait before a process starts again. At once when it had been ready, since the machine is worse
 * off without it; longer with each start in a row that came to nothing, since the next will not fare better.
 */
export function restartDelayMs(deaths: readonly Death[], now: number): number {
  const recent = deaths.filter((death) => now - death.at < MEMORY_MS);
  const lastReady = recent.findLastIndex((death) => death.wasReady);
  const failedStarts = recent.length - 1 - lastReady;
  const excess = Math.max(0, recent.length - FREE_DEATHS);
  return DELAYS_MS[Math.min(Math.max(failedStarts, excess), DELAYS_MS.length - 1)] ?? 0;
}
