/** The words of the load harness: kinds of traffic, causes of failure, and what it reports. */

/**
 * `keepAlive`: many requests on one connection. `close`: one connection each. `upload`: bodies with a length
 * and chunked, some with `Expect: 100-continue` or a trailer. `slow`: an answer that takes its time.
 * `sse`: an event stream that ends with the final chunk. `websocket`: echoes, ended by a close frame.
 */
export const KINDS = ['keepAlive', 'close', 'upload', 'slow', 'sse', 'websocket'] as const;
export type Kind = (typeof KINDS)[number];

/**
 * `refused`: no connection. `reset`: ended before the first byte of an answer. `cut`: the answer, stream or
 * WebSocket ended without its proper end. `timeout`: not complete in time, or a stream that fell silent.
 * `malformed`: not HTTP or not WebSocket. `wrongSequence`: a gap between numbered events. `wrongClose`: a
 * close frame that says error. `client`: this machine could not send (out of ports or descriptors).
 * The rest say what was wrong with a complete answer.
 */
export type FailureCause =
  | 'refused'
  | 'reset'
  | 'cut'
  | 'timeout'
  | 'malformed'
  | 'wrongStatus'
  | 'wrongLength'
  | 'wrongDigest'
  | 'wrongSequence'
  | 'wrongEcho'
  | 'wrongClose'
  | 'client';

export interface Failure {
  readonly cause: FailureCause;
  readonly detail: string;
}

export type Failures = Partial<Record<FailureCause, number>>;
export type InFlight = Readonly<Record<Kind, number>>;

export interface Counts {
  /** Always finished + failed + in flight. */
  readonly started: number;
  readonly finished: number;
  readonly failed: number;
}

export interface KindCounts extends Counts {
  readonly inFlight: number;
  /** Of the finished: streams that this side ended because the harness was stopped. */
  readonly closedByClient: number;
  /** Events that arrived in order, or echoes that were right. */
  readonly messages: number;
}

/** What was in flight at a moment that matters, such as a flip. */
export interface Mark {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly inFlight: InFlight;
}

export interface FailureNote extends Failure {
  /** RFC 3339. */
  readonly at: string;
  readonly kind: Kind;
  /** As the answer's header said, or `unknown`. */
  readonly version: string;
}

export interface Snapshot extends Counts {
  readonly atMs: number;
  readonly failures: Failures;
  readonly byKind: Readonly<Record<Kind, KindCounts>>;
  /** Settled requests by the version that answered; `unknown` where none said its name. */
  readonly byVersion: Readonly<Record<string, { readonly finished: number; readonly failed: number }>>;
  /** The first failures, 50 at the most. */
  readonly firstFailures: readonly FailureNote[];
}

/** The final report: nothing is in flight, and started = finished + failed. */
export interface LoadReport extends Snapshot {
  readonly marks: readonly Mark[];
  /** Why the load ended. */
  readonly endedBy: 'stop' | 'signal' | 'parentGone' | 'maxDuration';
  readonly wallMs: number;
  readonly requestsPerSecond: number;
  /** To the last byte, of finished requests on `keepAlive`, `close` and `upload` that were not held back. */
  readonly latency: { readonly samples: number; readonly p50Ms: number; readonly p99Ms: number };
}
