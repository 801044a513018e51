import type { ExecutionSpec, GateRunStatus } from '../api/execution.ts';
import type { Count, Side, Weights } from '../api/plan.ts';
import type { TrafficTotals } from '../api/release.ts';
import type { PinnedWorkload } from '../api/workload.ts';
import type {
  ClusterDriver,
  Fence,
  ServiceKey,
  TrafficRouter,
  WorkloadKey,
} from '../drivers/cluster-driver.ts';
import { evaluateCount, evaluateWeights } from '../engine/counts.ts';
import type { Resolve } from '../gates/address-guard.ts';
import type { Expressions } from '../gates/expressions.ts';
import type { Clock } from '../lib/clock.ts';
import { InvariantViolation } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Network } from '../lib/network.ts';
import type { Processes } from '../lib/processes.ts';
import type { FlipProbers } from './flip-probers.ts';
import type { Lease } from './lease.ts';

/** What every instruction may use of the agent. */
export interface AgentPorts {
  readonly driver: ClusterDriver;
  readonly trafficRouter: TrafficRouter;
  readonly network: Network;
  readonly processes: Processes;
  readonly expressions: Expressions;
  readonly resolve: Resolve;
  readonly clock: Clock;
  readonly log: Log;
  readonly lease: Lease;
  /** Base URLs at which the entry is reached from here; empty: flips are not probed, and the evidence says so. */
  readonly entry: readonly string[];
}

/** What one running instruction knows and may say. */
export interface InstructionContext {
  readonly ports: AgentPorts;
  readonly namespace: string;
  readonly spec: ExecutionSpec;
  readonly fence: Fence;
  /** When this instruction began first, RFC 3339; before a restart of the agent, where there was one. */
  readonly startedAt: string;
  /** Aborted when the execution is cancelled, has failed elsewhere, or the agent stops. */
  readonly signal: AbortSignal;
  /** What the instruction noted before the agent's restart. */
  readonly noted: unknown;
  /** Durable when it resolves. */
  note(note: unknown): Promise<void>;
  /** What it does now, in words with numbers; cheap, sent when there is room. */
  progress(message: string, evidence?: Readonly<Record<string, unknown>>): void;
  gateRun(name: string, status: GateRunStatus): void;
  /** What the entry has counted since the release began here, read now; null: not measured. */
  counted(): Promise<TrafficTotals | null>;
  readonly probers: FlipProbers;
}

export interface Failure {
  readonly reason: string;
  /** What happened, one sentence. */
  readonly message: string;
  /** Whether users are hurt. */
  readonly affects: string;
  /** What to run or change. */
  readonly next: string;
}

export type InstructionOutcome =
  | { readonly state: 'done'; readonly message: string; readonly evidence: Readonly<Record<string, unknown>> }
  | {
      readonly state: 'failed';
      readonly failure: Failure;
      readonly evidence?: Readonly<Record<string, unknown>>;
    }
  /** Something that must not be done twice may or may not have been done (INV-14). */
  | { readonly state: 'unknown'; readonly failure: Failure };

export const done = (
  message: string,
  evidence: Readonly<Record<string, unknown>> = {},
): InstructionOutcome => ({
  state: 'done',
  message,
  evidence,
});

export const revisionOf = (spec: ExecutionSpec, side: Side): ExecutionSpec['from'] =>
  side === 'to' ? spec.to : spec.from;

export const otherSide = (side: Side): Side => (side === 'to' ? 'from' : 'to');

/** `shop-r2`. */
export const versionName = (workload: string, revision: number): string => `${workload}-r${revision}`;

export function versionOf(spec: ExecutionSpec, side: Side, workload: string): string | null {
  const revision = revisionOf(spec, side);
  return revision === null ? null : versionName(workload, revision.spec.number);
}

/** The pinned workload of a side; undefined where that revision has none of this name. */
export const pinnedOf = (spec: ExecutionSpec, side: Side, workload: string): PinnedWorkload | undefined =>
  revisionOf(spec, side)?.spec.workloads.find(({ name }) => name === workload);

export function workloadKey(
  context: Pick<InstructionContext, 'spec' | 'namespace'>,
  side: Side,
  workload: string,
): WorkloadKey {
  const version = versionOf(context.spec, side, workload);
  if (version === null) throw new InvariantViolation('INV-19', `no revision on side ${side} for ${workload}`);
  const { application, environment } = context.spec;
  return { namespace: context.namespace, application, environment, workload, version };
}

export function serviceKey(
  context: Pick<InstructionContext, 'spec' | 'namespace'>,
  workload: string,
): ServiceKey {
  const { application, environment } = context.spec;
  return { namespace: context.namespace, application, environment, workload };
}

/** Workloads of either revision that take traffic. */
export function servicesOf(spec: ExecutionSpec): string[] {
  const all = [...(spec.from?.spec.workloads ?? []), ...spec.to.spec.workloads];
  return [...new Set(all.filter(({ type }) => type === 'service').map(({ name }) => name))];
}

/** Instances that an expression of the plan means for one side now. */
export const countOf = (spec: ExecutionSpec, side: Side, workload: string, count: Count): number =>
  evaluateCount(count, fullOf(spec, side, workload), fullOf(spec, otherSide(side), workload));

/** Shares of traffic that an expression of the plan means now. */
export const sharesOf = (spec: ExecutionSpec, workload: string, weights: Weights): Record<Side, number> =>
  evaluateWeights(weights, fullOf(spec, 'to', workload), fullOf(spec, 'from', workload));

/** Instances that the workload is wanted strong; the old side keeps the size that it has. */
export function fullOf(spec: ExecutionSpec, side: Side, workload: string): number {
  const full = (side === 'from' ? spec.replicasFrom?.[workload] : undefined) ?? spec.replicas[workload];
  if (full === undefined) throw new InvariantViolation('INV-8', `no replicas given for ${workload}`);
  return full;
}
