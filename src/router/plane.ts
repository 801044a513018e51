import type { CompiledTable } from './compiled-table.ts';
import type { Counters } from './counts.ts';
import type { FieldLines } from './http/field-lines.ts';
import type { RefusalReason } from './http/refusal.ts';
import type { ForwardedBy } from './http/upstream-head.ts';
import type { RouterLimits } from './limits.ts';

/** What the connections and requests of one router share: read anew at each request, never remembered. */
export interface Plane {
  /** The table for every request that starts now. */
  readonly table: CompiledTable;
  /** Monotonic milliseconds as of the last tick or request: for idle times, where 100 ms don't matter. */
  readonly now: number;
  /** True from the stop on: answers close their connections. */
  readonly stopping: boolean;
  readonly limits: RouterLimits;
  readonly public: Counters;
  readonly preview: Counters;
  /** Fields of the head being parsed; one instance for requests, one for responses. */
  readonly requestLines: FieldLines;
  readonly responseLines: FieldLines;
  readonly proto: ForwardedBy['proto'];
  readonly trustForwarded: boolean;
  /** Reads the clock, and lets `now` follow. */
  clock(): number;
  malformed(reason: RefusalReason): void;
}
