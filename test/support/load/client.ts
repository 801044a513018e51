/** What every client of the load has in common. */
import type { Target } from './exchange.ts';
import type { Ledger } from './ledger.ts';
import type { LoadRandom } from './random.ts';
import type { Kind } from './report.ts';

export interface ClientContext {
  readonly target: Target;
  readonly ledger: Ledger;
  readonly random: LoadRandom;
  /** A request may take this long, and a stream may be silent this long. Milliseconds. */
  readonly timeoutMs: number;
  /** Requests of `keepAlive` and `close` go here instead of to the example shop's own paths. */
  readonly path: string | undefined;
  /**
   * Holds every request back, so that one of its kind is in flight at nearly every moment: a flip between
   * requests that take a millisecond would prove little.
   */
  readonly holdsBack: boolean;
}

/** One user: sends one request after another, one at a time. */
export interface LoadClient {
  readonly kind: Kind;
  /** Books and carries out one request; settled when it resolves. `stop`: streams end politely. */
  once(stop: AbortSignal): Promise<'finished' | 'failed'>;
  /** Closes what it keeps open between requests. */
  close(): void;
}

/** Milliseconds that a held-back request takes. */
export const HOLD_MS = { least: 150, most: 400 } as const;
