import type { Instruction } from '../../api/plan.ts';
import type { StageDrain, StageStatus } from '../../api/release.ts';
import { flipsByCluster } from './caused-failures.ts';
import type { Draft } from './draft.ts';
import { executionName } from './input.ts';

/**
 * Notes what an order has done that is retried. With a small surge a stage grows and shrinks in several moves, and
 * beginning it anew would take down what users are on by now (INV-5).
 */
export function noteRetry(draft: Draft): void {
  const { input, spec, status, stageStatus } = draft;
  if (stageStatus === undefined || status.execution === null) return;
  const done: Record<string, string[]> = {};
  for (const cluster of spec.clusters) {
    const name = executionName(input.name, status.epoch, status.sequence, cluster, spec.clusters);
    const reports = input.executions[name]?.instructions ?? [];
    const fresh = reports.filter(({ state }) => state === 'done').map(({ id }) => id);
    done[cluster] = [...new Set([...(stageStatus.earlier?.done[cluster] ?? []), ...fresh])];
  }
  const counted = Object.fromEntries(flipsByCluster(draft));
  stageStatus.earlier = { done, counted, drain: stageStatus.drain };
}

/**
 * What of a stage is still to be ordered in one cluster: behind the moves that are done, the one that failed as a
 * whole. Much may have changed since it failed, so that what it stands on is ensured, proven and written again; what
 * is there already is not taken down for it, and a job that ended well does not run twice.
 */
export function leftOf(
  instructions: readonly Instruction[],
  stageStatus: StageStatus | undefined,
  cluster: string,
): readonly Instruction[] {
  const done = new Set(stageStatus?.earlier?.done[cluster]);
  if (done.size === 0) return instructions;
  const moves = [...Map.groupBy(instructions, ({ id }) => moveOf(id)).values()];
  const first = moves.findIndex((move) => move.some(({ id }) => !done.has(id)));
  const left = first < 0 ? [] : moves.slice(first).flat();
  const kept = left.filter(({ id, type }) => type !== 'runJob' || !done.has(id));
  const ids = new Set(kept.map(({ id }) => id));
  return kept.map((each) => ({
    ...each,
    needs: each.needs.filter((need) => ids.has(need)),
    ...(each.type === 'ensureWorkload' ? { atLeast: true } : {}),
  }));
}

/** `web/traffic.2a` → `2a`: the part of a stage that it belongs to; all of a stage of one move are one. */
const moveOf = (id: string): string => /\.(\d+a?)$/.exec(id)?.[1] ?? '';

/** One figure of several drains: they ran at once, and the longest is the time. */
export function sumOfDrains(drains: readonly StageDrain[]): StageDrain {
  const sum = (pick: (drain: StageDrain) => number) => drains.reduce((total, each) => total + pick(each), 0);
  const killed = sum((each) => each.killed ?? 0);
  return {
    ms: Math.max(...drains.map(({ ms }) => ms)),
    requests: sum(({ requests }) => requests),
    streams: sum(({ streams }) => streams),
    cut: sum(({ cut }) => cut),
    ...(killed === 0 ? {} : { killed }),
  };
}
