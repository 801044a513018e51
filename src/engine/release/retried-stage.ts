import type { Instruction } from '../../api/plan.ts';
import type { StageDrain, StageStatus } from '../../api/release.ts';
import type { Draft } from './draft.ts';
import { executionName } from './input.ts';

/**
 * A stage that is retried goes on where it stopped. What is done is not ordered again: with a small surge a stage
 * grows and shrinks in several moves, and beginning anew would take down what users are on by now (INV-5).
 */
export function noteRetry(draft: Draft): void {
  const { input, spec, status, stageStatus } = draft;
  if (stageStatus === undefined || status.execution === null) return;
  const done: Record<string, string[]> = {};
  for (const cluster of spec.clusters) {
    const name = executionName(input.name, status.epoch, status.sequence, cluster, spec.clusters);
    const reports = input.executions[name]?.instructions ?? [];
    const fresh = reports.filter(({ state }) => state === 'done').map(({ id }) => id);
    done[cluster] = [...(stageStatus.earlier?.done[cluster] ?? []), ...fresh];
  }
  stageStatus.earlier = { done, drain: stageStatus.drain };
}

/** What of a stage is still to be ordered in one cluster. */
export function leftOf(
  instructions: readonly Instruction[],
  stageStatus: StageStatus | undefined,
  cluster: string,
): readonly Instruction[] {
  const done = new Set(stageStatus?.earlier?.done[cluster]);
  if (done.size === 0) return instructions;
  return instructions
    .filter(({ id }) => !done.has(id))
    .map((each) => ({ ...each, needs: each.needs.filter((need) => !done.has(need)) }));
}

/** The figures of what was drained before and since. */
export function withEarlier(drain: StageDrain, earlier: StageDrain | null | undefined): StageDrain {
  if (earlier === null || earlier === undefined) return drain;
  const killed = (drain.killed ?? 0) + (earlier.killed ?? 0);
  return {
    ms: Math.max(drain.ms, earlier.ms),
    requests: drain.requests + earlier.requests,
    streams: drain.streams + earlier.streams,
    cut: drain.cut + earlier.cut,
    ...(killed === 0 ? {} : { killed }),
  };
}
