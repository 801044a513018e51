import type { ExecutionSpec, ExecutionStatus, GateRunStatus } from '../api/execution.ts';
import type { TrafficTotals } from '../api/release.ts';
import type { Place, Standing } from '../api/standing.ts';

/**
 * Frames between agent and manager (JSON, one per WebSocket message, path `/agent/v1/connect`). The agent
 * dials. Each side drops what it does not understand with an `error` frame and never guesses (INV-19).
 *
 * Order that must hold (INV-13): the manager has stored the Execution before `order`; the agent has
 * journalled it before `accepted`, and every result before `report`; the manager has stored the report
 * before `reported`. Frames may be lost or repeated with the connection: after each reconnect the agent
 * sends `hello` with what it holds, the manager repeats what is not accepted, the agent what is not
 * acknowledged.
 */
export const PROTOCOL_VERSION = 2;
export const VERSION_HEADER = 'slipway-version';

export type AgentFrame =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      readonly version: string;
      readonly cluster: string;
      readonly holds: readonly HeldExecution[];
      readonly address: { readonly entry: readonly string[] };
    }
  | {
      readonly type: 'accepted';
      readonly execution: string;
      readonly namespace: string;
      readonly epoch: number;
      readonly sequence: number;
    }
  | {
      readonly type: 'refused';
      readonly execution: string;
      readonly namespace: string;
      readonly reason: string;
    }
  /** `number` rises per execution; the last one has a final phase and repeats until `reported`. */
  | {
      readonly type: 'report';
      readonly execution: string;
      readonly namespace: string;
      readonly number: number;
      readonly status: ExecutionStatus;
      readonly gateRuns: Readonly<Record<string, GateRunStatus>>;
    }
  /** Counts of a service whose release is under way, when failures rose. */
  | { readonly type: 'traffic'; readonly subject: string; readonly totals: TrafficTotals }
  /**
   * What stands where no order runs: all of it after the welcome (`whole`: what is neither listed nor busy has
   * nothing), then what changed. Of a place where an order ran it is sent after that order's final report, and seen
   * after it too; numbers rise over a connection, so that a repeated frame is never taken for news.
   */
  | {
      readonly type: 'standing';
      readonly number: number;
      readonly whole: boolean;
      readonly places: readonly Standing[];
      /** Where orders run: told when they have ended. */
      readonly busy: readonly Place[];
    }
  /** Part of the answer to a `call`; `end` with the last one, `error` when it failed. */
  | {
      readonly type: 'data';
      readonly id: number;
      readonly data?: unknown;
      readonly end?: boolean;
      readonly error?: string;
    }
  | { readonly type: 'pong'; readonly id: number };

/**
 * Reads that people ask for through the manager, which cannot reach the cluster itself.
 * - `logs` {namespace, application, environment?, workload?, instance?, follow, tailLines} → data frames
 *   {instance, line, at?}, many.
 * - `instances` {namespace?, application?} → one data frame: WorkloadObservation[].
 * - `totals` {service: ServiceKey} → one data frame: ServiceTotals.
 */
export type CallMethod = 'logs' | 'instances' | 'totals';

export interface HeldExecution {
  readonly execution: string;
  readonly namespace: string;
  /** Of the execution: where its release is gone, a later one may have its name. */
  readonly uid: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly final: boolean;
}

export type ManagerFrame =
  | { readonly type: 'welcome'; readonly version: string; readonly leaseMs: number }
  | {
      readonly type: 'order';
      readonly execution: string;
      readonly namespace: string;
      readonly uid: string;
      readonly spec: ExecutionSpec;
    }
  /** Stop everything of this subject below the epoch; answered by a final report of each. */
  | { readonly type: 'cancel'; readonly subject: string; readonly belowEpoch: number }
  | {
      readonly type: 'reported';
      readonly execution: string;
      readonly namespace: string;
      readonly number: number;
    }
  /** The release has ended: counting for it may stop. */
  | { readonly type: 'forget'; readonly subject: string }
  | {
      readonly type: 'call';
      readonly id: number;
      readonly method: CallMethod;
      readonly params: Readonly<Record<string, unknown>>;
    }
  /** Nobody waits for this call any more. */
  | { readonly type: 'hangUp'; readonly id: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'error'; readonly message: string };
