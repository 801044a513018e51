import type { WebSocket } from 'ws';
import type { Plan } from '../api/plan.ts';
import type { Standing } from '../api/standing.ts';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { Clock } from '../lib/clock.ts';
import type { ErrorDetail } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { Random } from '../lib/random.ts';
import type { Store } from '../store/store.ts';
import type { Identity } from './tokens.ts';

/** What the server asks of the controllers: a dry run that writes nothing (`slipway plan`, design section 11). */
export interface Planner {
  plan(request: PlanRequest): Promise<PlanPreview>;
}

export interface PlanRequest {
  readonly namespace: string;
  readonly application: string;
  readonly environment: string;
  /** The Application's spec as it would be; absent: as it stands. */
  readonly spec?: unknown;
  /** A revision to go back to (`r2`); absent: the one that the spec makes. */
  readonly to?: string;
}

export interface PlanPreview {
  readonly release: string;
  readonly from: string | null;
  readonly to: string;
  /** False where nothing that runs would change. */
  readonly changes: boolean;
  /** Whether the change of the application alone begins it, without anybody's word. Absent from older managers. */
  readonly automatic?: boolean;
  readonly plan: Plan;
  /** Without a release: replicas and routes that change in place. Absent from older managers, null where none do. */
  readonly inPlace?: {
    readonly digest: string;
    readonly summary: string;
    /** Whose approval it would wait for; null: nobody's. */
    readonly approval: string | null;
  } | null;
  /** Field by field, what differs between the revisions. */
  readonly differences: readonly { readonly path: string; readonly from: unknown; readonly to: unknown }[];
  /** What stands before the first stage; null where nothing does. Absent from older managers. */
  readonly now?: {
    readonly from: number;
    readonly to: number;
    readonly weights: Readonly<Record<string, number>>;
  } | null;
  /** Per stage: capacity and traffic, evaluated against today's replicas. */
  readonly timeline: readonly {
    readonly stage: number;
    readonly title: string;
    readonly from: number;
    readonly to: number;
    readonly weights: Readonly<Record<string, number>>;
    readonly note: string;
  }[];
  readonly warnings: readonly string[];
  /** What must be mended before it can start; empty when it can. */
  readonly refusals: readonly ErrorDetail[];
}

/** Seals what a Secret holds (store/secret-vault). */
export interface SecretSealer {
  seal(data: Record<string, string>): unknown;
  open(sealed: unknown): Record<string, string>;
  /** Name → short salted digest: tells that a value changed, not what it is. */
  digests(data: Record<string, string>): Record<string, string>;
}

/** What the server asks of the gateway to the agents (execution/gateway). */
export interface AgentConnections {
  attach(socket: WebSocket, identity: Identity): void;
  /** Answers of the agent, one after the other. Throws `unavailable` where it is not connected. */
  call(
    cluster: string,
    method: 'logs' | 'instances' | 'totals',
    params: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): AsyncIterable<unknown>;
  clusters(): readonly { readonly name: string; readonly connected: boolean }[];
  /** Every place of which a connected cluster has something. */
  standings(cluster: string): readonly Standing[];
}

export interface ServerDependencies {
  readonly store: Store;
  readonly artifacts: ArtifactStore;
  readonly secrets: SecretSealer;
  readonly gateway: AgentConnections;
  readonly planner: Planner;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly version: string;
  readonly limits: ServerLimits;
}

/** How much of anything a caller may use. */
export interface ServerLimits {
  /** Bytes of a JSON body; an object must stay below etcd's 1.5 MiB. */
  readonly bodyBytes: number;
  /** Bytes of one artifact. */
  readonly artifactBytes: number;
  readonly headersMs: number;
  /** A JSON body must have arrived by then, and an upload must not pause for longer. */
  readonly bodyMs: number;
  /** From the body to the answer; streams are exempt. */
  readonly requestMs: number;
  readonly connections: number;
  /** A command that is not decided by then is answered with 202. */
  readonly commandMs: number;
  /** A stream whose reader takes nothing for so long is cut. */
  readonly stallMs: number;
  readonly bookmarkMs: number;
  /** A watch ends after this at the latest, and the client resumes. */
  readonly watchMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  bodyBytes: 1024 * 1024,
  artifactBytes: 1024 * 1024 * 1024,
  headersMs: 10_000,
  bodyMs: 30_000,
  requestMs: 60_000,
  connections: 2_000,
  commandMs: 10_000,
  stallMs: 10_000,
  bookmarkMs: 15_000,
  watchMs: 3_600_000,
};
