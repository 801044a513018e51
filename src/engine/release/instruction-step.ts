import type { ExecutionStatus, InstructionStatus } from '../../api/execution.ts';
import type { Instruction, Stage } from '../../api/plan.ts';
import type { StageStatus } from '../../api/release.ts';
import { movesTraffic } from '../plan/moves-traffic.ts';
import type { Draft, Failure } from './draft.ts';
import { executionName } from './input.ts';
import { leftOf, sumOfDrains } from './retried-stage.ts';

export type InstructionStepResult =
  | { readonly state: 'done' }
  | { readonly state: 'waiting' }
  | { readonly state: 'failed'; readonly failure: Failure }
  /** A job was cut off and may not run twice: a person decides (INV-14). */
  | { readonly state: 'unknown'; readonly failure: Failure };

/** Orders the stage in every cluster and waits until all are done: durable completion before the next (INV-15). */
export function runInstructionStep(draft: Draft, stage: Stage): InstructionStepResult {
  const { status, input, spec } = draft;
  if (stage.instructions.length === 0) return { state: 'done' };
  const stageStatus = draft.stageStatus;
  if (status.execution === null) {
    status.sequence += 1;
    status.execution = executionName(input.name, status.epoch, status.sequence, '', []);
    if (stageStatus !== undefined) stageStatus.execution = status.execution;
  }
  const outcomes = spec.clusters.map((cluster) => {
    const name = executionName(input.name, status.epoch, status.sequence, cluster, spec.clusters);
    const execution = input.executions[name];
    const instructions = leftOf(stage.instructions, stageStatus, cluster);
    const isDone = instructions.length === 0 || execution?.phase === 'Succeeded';
    if (execution === undefined && instructions.length > 0) {
      draft.effects.push({
        type: 'createExecution',
        name,
        cluster,
        epoch: status.epoch,
        sequence: status.sequence,
        stage: stage.number,
        instructions,
        routes: draft.routes,
      });
    }
    return { cluster, name, execution, isDone };
  });
  const ordered = new Map(stage.instructions.map((each) => [each.id, each]));
  const reports = outcomes.flatMap(({ execution }) =>
    (execution?.instructions ?? []).map((report): Report => ({ report, ordered: ordered.get(report.id) })),
  );
  if (status.direction === 'forward') {
    const flips = reports.filter((each) => each.ordered !== undefined && movesTraffic(each.ordered));
    if (flips.some(({ report }) => hasBegun(report))) status.flipped = true;
  }
  for (const { cluster, execution } of outcomes) {
    if (execution?.phase === 'Failed' || execution?.phase === 'Refused' || execution?.phase === 'Cancelled') {
      const state = execution.failure?.reason === 'unknownOutcome' ? 'unknown' : 'failed';
      // A retry does not do again what is done: its figures are those of this order.
      if (stageStatus !== undefined) record(stageStatus, reports);
      return { state, failure: failureOf(draft, cluster, execution) };
    }
  }
  if (!outcomes.every(({ isDone }) => isDone)) return { state: 'waiting' };
  if (stageStatus !== undefined) record(stageStatus, reports);
  return { state: 'done' };
}

/** What an agent says of one instruction, beside the order itself. */
interface Report {
  readonly report: InstructionStatus;
  readonly ordered: Instruction | undefined;
}

/** One that was called off before it began has moved nobody. */
const hasBegun = ({ state, startedAt }: InstructionStatus): boolean =>
  startedAt !== null || !['pending', 'cancelled'].includes(state);

function failureOf(draft: Draft, cluster: string, execution: ExecutionStatus): Failure {
  const { failure } = execution;
  return {
    reason: failure?.reason ?? `execution${execution.phase}`,
    message: failure?.message ?? `the agent of ${cluster} answered ${execution.phase}`,
    affects:
      failure?.affects ??
      (draft.status.flipped ? 'some users are on the new version' : 'users are not affected'),
    advice: failure?.next ?? '',
  };
}

/** Keeps the figures of a stage that people and receipts look for; all else stays in the Execution. */
function record(stage: StageStatus, reports: readonly Report[]): void {
  const figure = (value: unknown): number => (typeof value === 'number' ? value : 0);
  const of = (wanted: (instruction: Instruction) => boolean) =>
    reports.flatMap(({ report, ordered }) => (ordered !== undefined && wanted(ordered) ? [report] : []));
  const flips = of(movesTraffic).filter((i) => typeof i.evidence.flipMs === 'number');
  const last = flips.at(-1);
  if (last !== undefined) {
    const proofs = of((each) => each.type === 'proveTraffic' && each.when === 'after');
    const proof = proofs.filter(({ state }) => state === 'done').at(-1);
    stage.flip = {
      at: String(last.evidence.at ?? last.endedAt ?? ''),
      flipMs: Math.max(
        stage.earlier === undefined ? 0 : figure(stage.flip?.flipMs),
        ...flips.map((i) => figure(i.evidence.flipMs)),
      ),
      proof: String(proof?.evidence.summary ?? proof?.message ?? 'not measured'),
    };
  }
  const drains = of(({ type }) => type === 'drain').filter(({ state }) => state === 'done');
  if (drains.length > 0) {
    const measured = drains.map(({ evidence: { ms, requests, streams, cut, killed } }) => ({
      ...{ ms: figure(ms), requests: figure(requests), streams: figure(streams) },
      ...{ cut: figure(cut), killed: figure(killed) },
    }));
    stage.drain = sumOfDrains([...measured, ...(stage.earlier?.drain ? [stage.earlier.drain] : [])]);
  }
}
