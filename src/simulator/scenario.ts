import type { ApplicationSpecInput } from '../api/application.ts';
import type { EnvironmentSpec } from '../api/environment.ts';
import type { RetentionPolicy } from '../store/retention.ts';
import type { PlaneFaults } from './data-plane.ts';
import type { ForeignEdit } from './foreign-hand.ts';
import type { ForeignOrder } from './foreign-orders.ts';
import type { OutsideService } from './outside.ts';
import type { ChanceFaults, Role } from './platform.ts';
import type { Program } from './program.ts';

/** What people do at some moment. Whom it meets is found out then: the release that is active at that time. */
export type Operation = {
  readonly atMs: number;
  readonly application: string;
  readonly environment: string;
} & (
  | { readonly type: 'apply'; readonly spec: ApplicationSpecInput }
  | {
      readonly type: 'verb';
      readonly verb:
        | 'promote'
        | 'pause'
        | 'resume'
        | 'approve'
        | 'reject'
        | 'abort'
        | 'rollback'
        | 'retry'
        | 'skip';
      /** Whom it is meant for, where that is known already. */
      readonly release?: string;
    }
  | {
      readonly type: 'applicationVerb';
      readonly verb: 'release' | 'rollback' | 'resume' | 'scale' | 'restart';
      readonly parameters: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'delete' }
);

/** Something that breaks at some moment. */
export type FaultEvent = { readonly atMs: number } & (
  | { readonly type: 'kill'; readonly role: Role }
  | { readonly type: 'pause'; readonly role: Role; readonly ms: number }
  | { readonly type: 'secondManager' }
  | { readonly type: 'partition'; readonly ms: number }
  | { readonly type: 'clockJump'; readonly role: Role; readonly ms: number }
  | { readonly type: 'clockRate'; readonly role: Role; readonly rate: number }
  | { readonly type: 'killInstance'; readonly pick: number }
  /** One dies the moment after it was read as proven, before its version is given traffic. */
  | { readonly type: 'killProven'; readonly pick: number }
  | { readonly type: 'killRouter'; readonly ms: number }
  /** An agent of another version, beside the one there is. */
  | { readonly type: 'otherAgent'; readonly ms: number }
  /** Somebody sends the agent an order who should not. */
  | { readonly type: 'foreignOrder'; readonly what: ForeignOrder; readonly pick: number }
  /** Somebody else's hand on the cluster: a workload's wish or a service's weights are written over. */
  | { readonly type: 'foreignEdit'; readonly what: ForeignEdit; readonly pick: number }
);

/** Everything that a run is made of; with its seed it gives the same run again. */
export interface Scenario {
  readonly seed: string;
  readonly environments: Readonly<Record<string, EnvironmentSpec>>;
  readonly programs: Readonly<Record<string, Program>>;
  readonly operations: readonly Operation[];
  readonly faults: readonly FaultEvent[];
  readonly chance: ChanceFaults;
  /** Faults of chance begin here; absent: with the run. */
  readonly chanceFromMs?: number;
  readonly plane: PlaneFaults;
  readonly services: Readonly<Record<string, OutsideService>>;
  readonly commands: Readonly<Record<string, OutsideService>>;
  /** How long what is finished stays; null: nothing is collected. */
  readonly retention: RetentionPolicy | null;
  /** Mean time between two requests to one service, ms. */
  readonly requestEveryMs: number;
  /** Faults and people's deeds end here; from then on everything must come to rest. */
  readonly busyMs: number;
  /** Longest time to rest. */
  readonly calmMs: number;
}
