import type { RouteSpec } from '../api/application.ts';
import type { RevisionSpec } from '../api/revision.ts';

/**
 * One cluster's workloads, as the agent sees them: level-triggered desired state in, uncached observation
 * out. Adapters: local/ (process groups), kubernetes/ (a later issue). No method decides anything; each is
 * idempotent and durable when it resolves: the adapter goes on towards the wish by itself, also after its
 * process was restarted, and without a manager. Each runs the cases of conformance/, and so does the simulator's
 * model.
 */
export interface ClusterDriver {
  readonly name: 'local' | 'kubernetes';
  /**
   * Wish for one workload of one revision. Surplus instances are drained as TrafficRouter demands, then ended.
   * Rejects with `refused` a lower epoch (INV-12), and replicas 0 of what weights name (INV-5).
   */
  setWorkload(wish: WorkloadWish): Promise<void>;
  /** Replicas 0 and forgotten once gone; `refused` while weights name it (INV-5). */
  removeWorkload(key: WorkloadKey): Promise<void>;
  /** Replaces every instance, new before old, within surge and unavailability. Returns when the wish is durable. */
  restartWorkload(key: WorkloadKey): Promise<void>;
  /** Uncached; `undefined` when there is no such workload. */
  observe(key: WorkloadKey): Promise<WorkloadObservation | undefined>;
  /** Every workload there is, for adoption and clean-up. */
  list(): Promise<readonly WorkloadObservation[]>;
  /** Calls back (no data) when something that `observe` shows may have changed. */
  onChange(callback: (key: WorkloadKey) => void): Disposable;
}

export interface WorkloadKey {
  readonly namespace: string;
  readonly application: string;
  readonly environment: string;
  /** Workload name within the application. */
  readonly workload: string;
  /** Version name: `shop-r2`, or `shop-api-r2` where the application has several workloads. */
  readonly version: string;
}

export interface WorkloadWish {
  readonly key: WorkloadKey;
  readonly spec: RevisionSpec['workloads'][number];
  readonly replicas: number;
  /** Fencing: a wish with a lower epoch for the same subject is refused. */
  readonly fence: Fence;
  /** What env references to secrets resolve to is fetched by the adapter at spawn, never stored with the wish. */
}

export interface Fence {
  readonly subject: string;
  readonly epoch: number;
  readonly sequence: number;
}

export interface InstanceObservation {
  readonly id: string;
  readonly port: number | null;
  readonly state: 'starting' | 'ready' | 'notReady' | 'retiring' | 'exited';
  /** Answered the proof through the router's preview. */
  readonly proven: boolean;
  /** Takes its part of what its version gets, as acknowledged by the router; a version without weight gets none. */
  readonly admitted: boolean;
  readonly startedAt: string;
  readonly restarts: number;
  readonly rssBytes: number | null;
  readonly cpuMs: number | null;
  /**
   * Of an exited instance of a `migration` workload: it runs once, is not restarted, and stays here with the
   * code of its end until the workload is removed: told together, since an end without a code is taken for one
   * that nobody saw (null). Absent otherwise.
   */
  readonly exitCode?: number | null;
}

/** Why wanted instances do not come up, in the words of design section 10. A new order begins without it. */
export interface WorkloadProblem {
  readonly reason:
    | 'crashLoop'
    | 'startTimeout'
    | 'cannotStart'
    | 'artifactMissing'
    | 'proofFailed'
    | 'probeFailed'
    | 'secretMissing'
    | 'outOfResources';
  /** One sentence with what was seen, the log's last lines included. */
  readonly message: string;
  readonly since: string;
  /** It will not heal by waiting. */
  readonly final: boolean;
}

export interface WorkloadObservation {
  readonly key: WorkloadKey;
  readonly wanted: number;
  readonly instances: readonly InstanceObservation[];
  readonly ready: number;
  readonly proven: number;
  readonly retiring: number;
  readonly problem: WorkloadProblem | null;
  /** Drains of instances ended since the workload began, newest last, bounded. */
  readonly drains: readonly DrainRecord[];
}

export interface DrainRecord {
  readonly instance: string;
  readonly startedAt: string;
  readonly ms: number;
  /** Inside when it began. */
  readonly requests: number;
  readonly streams: number;
  /** Cut at a cap. */
  readonly cut: number;
}

/**
 * Moves public traffic between the versions of one service. Adapters: local/ (our router); one file per
 * router of Kubernetes in a later issue. Writes are atomic for one service.
 */
export interface TrafficRouter {
  readonly name: string;
  /** How late the data plane may act on an acknowledged write, in ms. */
  readonly lagMs: number;
  /**
   * Writes routes and weights. Resolves when every request that starts from then on follows them, with the
   * time from the write to that moment. Refuses (result, no exception) what would break INV-1, INV-2 or INV-4, an
   * order that was overtaken (INV-12), and routes that another service has.
   */
  setTraffic(
    wish: TrafficWish,
  ): Promise<{ ok: true; flipMs: number; at: string; generation: number } | { ok: false; reason: string }>;
  /** The wish in force; undefined when the service is unknown. */
  traffic(service: ServiceKey): Promise<TrafficWish | undefined>;
  /** Nothing where there is none; an order that was overtaken rejects with `refused` (INV-12). */
  removeService(service: ServiceKey, fence: Fence): Promise<void>;
  /**
   * Requests through the entry over fresh connections until the proof of design section 5 is decided; `totals`
   * counts them like any others. Rejects with `refused` where there is no traffic to prove.
   */
  proveAfter(wish: { service: ServiceKey; deadlineMs: number; signal: AbortSignal }): Promise<ProofEvidence>;
  /** Cumulative counts since the service began, router restarts included; null = not measured. */
  totals(service: ServiceKey): Promise<ServiceTotals | null>;
  /** What is inside a version now. */
  load(service: ServiceKey, version: string): Promise<{ requests: number; streams: number }>;
  /** Asks one version through the preview (gates with a path). Rejects where no instance of it answers. */
  preview(service: ServiceKey, version: string, request: PreviewRequest): Promise<PreviewAnswer>;
}

export interface ServiceKey {
  readonly namespace: string;
  readonly application: string;
  readonly environment: string;
  /** Service workload that the routes lead to. */
  readonly workload: string;
}

export interface TrafficWish {
  readonly service: ServiceKey;
  readonly routes: readonly RouteSpec[];
  /** Version name → weight; sums to 100. */
  readonly weights: Readonly<Record<string, number>>;
  /** What `new` and `old` in rules mean. */
  readonly aliases: Readonly<Record<'new' | 'old', string | null>>;
  readonly fence: Fence;
}

export interface ProofEvidence {
  readonly ok: boolean;
  /** Answers by version. */
  readonly seen: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly failed: number;
  /** ms until the last answer of a version without weight. */
  readonly convergedMs: number;
  /** 'version header', 'version probe' or 'control-plane evidence only'. */
  readonly basis: string;
  readonly message: string;
}

export interface ServiceTotals {
  readonly source: 'router' | 'mesh' | 'prober';
  readonly requests: number;
  readonly failed: number;
  readonly failures: Readonly<Record<string, number>>;
  /** Answers of the application itself with a status of 500 and above: no failures. Absent: not measured. */
  readonly answered5xx?: number;
  readonly byVersion: Readonly<
    Record<string, { readonly requests: number; readonly failed: number; readonly answered5xx?: number }>
  >;
  /** Lives of the source whose last counts were lost with it; absent where there was none. */
  readonly gaps?: number;
}

export interface PreviewRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}
export interface PreviewAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly version: string | null;
  readonly ms: number;
}
