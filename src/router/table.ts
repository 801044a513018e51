/**
 * The route table: the whole of what the router knows about traffic, as one immutable value.
 *
 * A table is replaced as a whole and never edited, so that a request sees either the old one or the new
 * one. The writer (the agent's local traffic router) numbers tables by `generation`; the router refuses a
 * generation that is not higher than the one in force and answers only when the new one is durable and
 * every request that starts from then on uses it.
 */
export interface RouteTable {
  /** Strictly increasing over the life of a data directory, restarts included. */
  readonly generation: number;
  readonly routes: readonly Route[];
  readonly backends: readonly Backend[];
}

/** Traffic that enters under one host and path prefix, and the versions that share it. */
export interface Route {
  /** Unique in the table, stable over generations. */
  readonly id: string;
  /** Key under which requests are counted: `namespace/application/environment`. */
  readonly service: string;
  /** Exact host (no port, lower case); null matches every host. */
  readonly host: string | null;
  /** Path prefix that matches at segment boundaries: `/a` matches `/a` and `/a/b`, not `/ab`. Longest wins. */
  readonly path: string;
  /** Weights sum to 100 (INV-2). A route whose versions are empty answers 503 as `noBackend`. */
  readonly versions: readonly WeightedVersion[];
  /** Rules that choose a version before the weights do; first match wins. */
  readonly rules: readonly VersionRule[];
  /** Cookie that keeps a client on its version until that version has weight 0. */
  readonly sticky: { readonly cookie: string } | null;
  readonly timeouts: RouteTimeouts;
}

export interface WeightedVersion {
  /** Revision name such as `shop-r2`. */
  readonly version: string;
  /** 0 to 100, whole. */
  readonly weight: number;
}

export type VersionRule =
  | {
      readonly by: 'header';
      readonly name: string;
      readonly value: string;
      readonly version: string;
    }
  | {
      readonly by: 'cookie';
      readonly name: string;
      readonly value: string;
      readonly version: string;
    }
  | { readonly by: 'path'; readonly prefix: string; readonly version: string };

export interface RouteTimeouts {
  /** Time for one connect to an instance, in milliseconds. */
  readonly connectMs: number;
  /** Time from the end of the request to the response's head, in milliseconds. 0 = none. */
  readonly responseHeadMs: number;
  /** Time without a byte in either direction of a stream, in milliseconds. 0 = none. */
  readonly idleMs: number;
}

/** One instance of one version. */
export interface Backend {
  /** Instance name, unique in the table and never used again: `shop-r2-4f9c`. */
  readonly id: string;
  readonly version: string;
  /** Same key as Route.service: a version belongs to one service. */
  readonly service: string;
  readonly host: string;
  readonly port: number;
  /**
   * `preview`: reached only by a request that asks for it (header `slipway-preview`).
   * `serving`: takes its share of its version's traffic, and preview.
   * `draining`: takes nothing new; what is inside it goes on.
   */
  readonly state: 'preview' | 'serving' | 'draining';
}

/** Header by which a request asks for one version (`shop-r2`) or one instance (`shop-r2-4f9c`). */
export const PREVIEW_HEADER = 'slipway-preview';
/** Header that the router adds to every answer that an instance gave. */
export const REVISION_HEADER = 'slipway-revision';
/** Header that names the instance; only on answers to preview requests. */
export const INSTANCE_HEADER = 'slipway-instance';

/** Why a request failed on our side of the fence (design section 11). */
export type FailureCause = 'refused' | 'reset' | 'cut' | 'noBackend' | 'timeout';

/** Counts of one service and version since the router's start. All cumulative. */
export interface VersionCounts {
  readonly service: string;
  /** '' where no version had been chosen (noBackend). */
  readonly version: string;
  readonly requests: number;
  /** Answered in full, whatever the status. */
  readonly completed: number;
  /** Answers by status class: '1xx' (upgrades), '2xx' … '5xx'. 5xx are the application's own. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<FailureCause, number>>;
  /**
   * Of those, what an instance brought about by itself: it broke off, cut short or kept silent while nobody had
   * told it to end. Absent in what older routers say.
   */
  readonly byItself?: Readonly<Record<FailureCause, number>>;
  /** Clients that went away before their answer was complete: no failure. */
  readonly clientGone: number;
  /** Requests inside right now, streams and upgraded connections included. */
  readonly inFlight: number;
  /** Latency to the last byte, without streams; upper bound in ms → count; the last key is 'inf'. */
  readonly latencyMs: Readonly<Record<string, number>>;
}

export interface RouterStats {
  /** Random per start of the router process: counters restart at 0 with it. */
  readonly bootId: string;
  readonly startedAt: string;
  readonly generation: number;
  /** Refused by the strict parser: no failure of ours, counted by reason. */
  readonly malformed: Readonly<Record<string, number>>;
  readonly versions: readonly VersionCounts[];
  /** Preview requests, counted apart from public traffic; `version` '' where nobody is what was asked for. */
  readonly preview: readonly VersionCounts[];
}

/** What is inside one backend, for the drain. */
export interface BackendLoad {
  readonly id: string;
  /** Ordinary requests between head and last byte. */
  readonly requests: number;
  /**
   * Open-ended: upgraded connections and event streams from their start, and any other answer without a
   * known length once it has lasted 30 s (a page that is sent in chunks is an ordinary request).
   */
  readonly streams: number;
  /** Kept-alive upstream connections without a request. */
  readonly idleConnections: number;
  /** Failures of requests that were inside this backend, by cause. */
  readonly failed: Readonly<Record<FailureCause, number>>;
}
