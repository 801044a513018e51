import type { Clock } from '../../lib/clock.ts';

/** Resolves when the signal is aborted. */
export function abortOf(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Waits for one of the promises, at most `ms`. True when one of them came first; leaves no timer behind. */
export async function firstOf(
  clock: Clock,
  ms: number,
  promises: readonly Promise<unknown>[],
): Promise<boolean> {
  const limit = Promise.withResolvers<boolean>();
  using _timer = clock.setTimer(ms, () => limit.resolve(false));
  return await Promise.race([limit.promise, ...promises.map((promise) => promise.then(() => true))]);
}
