import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { KubernetesError } from './api-error.ts';

/** Attempts of what may be repeated; with the waits between them about 12 s. */
const ATTEMPTS = 6;
const WAITS = { firstMs: 100, lastMs: 5_000, factor: 4 };
const LONGEST_ASKED_WAIT_MS = 30_000;

export interface RepeatOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
  /** Which errors of the server are worth another attempt. */
  repeats(error: KubernetesError): boolean;
}

/** Attempts until one succeeds, fails for good, or was the last. */
export async function repeat<T>(
  attempt: () => Promise<T>,
  { clock, random, signal, repeats }: RepeatOptions,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof KubernetesError) || failures === ATTEMPTS || !repeats(error)) throw error;
      await clock.sleep(waitAfter(failures, WAITS, random, error), signal);
    }
  }
}

/** A failure of the moment: the server starts, is overloaded, or was not reached. */
export const passes = ({ http }: KubernetesError): boolean =>
  http === null || [429, 500, 502, 503, 504].includes(http);

/** The server has not looked at it: it may be sent again, whatever it is. */
export const isUnseen = ({ http }: KubernetesError): boolean => http === 429;

/** How long to wait after so many failures in a row, ms: growing and jittered, and as long as the server asks. */
export function waitAfter(
  failures: number,
  { firstMs, lastMs, factor }: { readonly firstMs: number; readonly lastMs: number; readonly factor: number },
  random: Random,
  error?: unknown,
): number {
  const wait = Math.min(lastMs, firstMs * factor ** (failures - 1)) * (0.5 + random.next());
  const asked = error instanceof KubernetesError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(wait, Math.min(asked, LONGEST_ASKED_WAIT_MS));
}
