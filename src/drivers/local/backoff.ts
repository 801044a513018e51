/** Delay before the n-th restart in a row, in ms: at once, then 100, 200, 400 … up to 30 s. */
export function restartDelayMs(exits: number): number {
  if (exits <= 1) return 0;
  return Math.min(100 * 2 ** (exits - 2), 30_000);
}

/** Delay before trying again what depends on another process: 20, 40 … up to 500 ms. */
export const retryDelayMs = (attempt: number): number => Math.min(20 * 2 ** Math.min(attempt, 10), 500);

/** Delay before the n-th proof after one that failed: 100, 200 … up to 1 s. */
export const proofDelayMs = (failures: number): number =>
  Math.min(100 * 2 ** Math.min(failures - 1, 10), 1_000);

/**
 * Time to the next readiness probe of an instance that starts: an eighth of its age, so that being ready is
 * noticed at most 12.5 % late, from 5 ms up to the interval that was asked for.
 */
export const startProbeDelayMs = (ageMs: number, intervalMs: number): number =>
  Math.min(Math.max(5, ageMs / 8), Math.max(intervalMs, 5));
