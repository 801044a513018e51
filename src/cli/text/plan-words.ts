import type { Stage } from '../../api/plan.ts';
import type { ReleaseSpec } from '../../api/release.ts';
import { evaluateCount, evaluateWeights } from '../../engine/counts.ts';

/** Capacity of both versions and the new one's share of traffic when a stage is done, over all workloads. */
export interface StageOutcome {
  readonly from: number;
  readonly to: number;
  /** Percent of the entry's traffic on the new version; null where the stage has no service. */
  readonly share: number | null;
}

/** How strong both sides are wanted: a release may change the size along with the revision. */
export interface StageSizes {
  readonly replicas: ReleaseSpec['replicas'];
  readonly workloads: readonly Pick<ReleaseSpec['workloads'][number], 'name' | 'replicasFrom'>[];
}

export function stageOutcome(stage: Stage, { replicas, workloads }: StageSizes): StageOutcome {
  let from = 0;
  let to = 0;
  let share: number | null = null;
  for (const workload of stage.result) {
    const full = replicas[workload.workload] ?? 1;
    const old = workloads.find(({ name }) => name === workload.workload)?.replicasFrom ?? full;
    from += evaluateCount(workload.from, old, full);
    to += evaluateCount(workload.to, full, old);
    if (workload.weights !== null && share === null) share = evaluateWeights(workload.weights, full, old).to;
  }
  return { from, to, share };
}

/** `6 old + 1 new`: what runs when the stage is done. */
export function capacityWords({ from, to }: StageOutcome): string {
  if (from === 0) return `${to} new`;
  if (to === 0) return `${from} old`;
  return `${from} old + ${to} new`;
}

/** `67 % on r2`, `no traffic yet`. */
export const trafficWords = (share: number, revision: string): string =>
  share === 0 ? 'no traffic yet' : `${share} % on ${revision}`;
