import type { RouteSpec } from '../../api/application.ts';
import type { ExecutionStatus, GateRunStatus, GateVerdict } from '../../api/execution.ts';
import type { Gate } from '../../api/gate.ts';
import type { Instruction } from '../../api/plan.ts';
import type { ReleaseSpec, ReleaseStatus, Verb } from '../../api/release.ts';

/** Everything that a decision looks at: gathered once, recorded with the decision (INV-17). */
export interface ReleaseInput {
  readonly name: string;
  readonly spec: ReleaseSpec;
  readonly status: ReleaseStatus;
  /** A newer release waits for this one to turn back. */
  readonly supersededBy: string | null;
  /** Execution name → status; absent: not made yet. */
  readonly executions: Readonly<Record<string, ExecutionStatus>>;
  /** GateRun name → status; absent: not made yet. */
  readonly gateRuns: Readonly<Record<string, GateRunStatus>>;
  /** Commands for this release that have no outcome yet, oldest first. */
  readonly commands: readonly CommandInput[];
  /** Clusters whose agent is connected. */
  readonly connected: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface CommandInput {
  readonly uid: string;
  readonly verb: Verb;
  readonly by: string;
  readonly roles?: readonly string[] | undefined;
  readonly at: string;
  readonly why: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface CommandReply {
  readonly uid: string;
  readonly state: 'done' | 'refused';
  readonly message: string;
}

/** What the controller carries out after the status is saved; each is safe to repeat. */
export type ReleaseEffect =
  | {
      readonly type: 'createExecution';
      readonly name: string;
      readonly cluster: string;
      readonly epoch: number;
      readonly sequence: number;
      readonly stage: number;
      readonly instructions: readonly Instruction[];
      /** Those of the direction that the release goes in. */
      readonly routes: readonly RouteSpec[];
    }
  | {
      readonly type: 'createGateRun';
      readonly name: string;
      readonly gate: Gate;
      readonly stage: number;
      readonly when: 'before' | 'after';
      readonly epoch: number;
    }
  | {
      readonly type: 'finishGateRun';
      readonly name: string;
      readonly verdict: GateVerdict;
      readonly message: string;
      readonly by: string;
      readonly why: string | null;
    };

export interface ReleaseDecision {
  readonly status: ReleaseStatus;
  readonly effects: readonly ReleaseEffect[];
  readonly replies: readonly CommandReply[];
  /** Milliseconds since 1970 at which to decide again although nothing changed; null: not needed. */
  readonly wakeAt: number | null;
}

/** Execution of one step in one cluster; deterministic, so that making it twice makes one (INV-14). */
export const executionName = (
  release: string,
  epoch: number,
  sequence: number,
  cluster: string,
  clusters: readonly string[],
): string => `${release}-e${epoch}-s${sequence}${clusters.length > 1 ? `-${cluster}` : ''}`;

export const gateRunName = (release: string, epoch: number, sequence: number, gate: string): string =>
  `${release}-e${epoch}-s${sequence}-${gate}`;
