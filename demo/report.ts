import type { Failures, InFlight } from '../test/support/load/report.ts';
import type { Reconciliation } from './reconcile.ts';

export interface ReleaseLine {
  readonly name: string;
  readonly from: string | null;
  readonly to: string;
  readonly strategy: string;
  readonly phase: string;
  readonly wallMs: number;
  /** As the receipt says, from the router. */
  readonly requests: number | null;
  readonly failed: number | null;
}

export interface FlipLine {
  readonly release: string;
  readonly stage: number;
  /** When the new weights were in force, ms since 1970. */
  readonly atMs: number;
  /** From the write to that moment. */
  readonly flipMs: number;
  /** What the clients had in flight just then, by kind of traffic. */
  readonly inFlight: InFlight;
}

export interface DrainLine {
  readonly release: string;
  readonly stage: number;
  readonly version: string;
  readonly ms: number;
  readonly requests: number;
  readonly streams: number;
  readonly cut: number;
}

/** The demo's last line on standard output with `--json`. */
export interface DemoReport {
  /** `Succeeded` only when nothing failed and every check held. */
  readonly phase: 'Succeeded' | 'Failed' | 'Interrupted';
  /** Started by the clients; = finished + failed. */
  readonly requests: number;
  readonly finished: number;
  readonly failed: number;
  readonly failures: Failures;
  readonly releases: readonly ReleaseLine[];
  readonly flips: readonly FlipLine[];
  readonly drains: readonly DrainLine[];
  readonly wallMs: number;
  readonly rollback: {
    readonly phase: string;
    readonly wallMs: number;
    readonly flipMs: number | null;
    readonly failed: number;
  } | null;
  readonly reconciliation: Reconciliation | null;
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number } | null;
  readonly upMs: number | null;
  /** What does not hold, each a sentence; empty when all does. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** With `--exit`: processes, ports and files that are still there. Null where it was left running. */
  readonly left: readonly string[] | null;
}
