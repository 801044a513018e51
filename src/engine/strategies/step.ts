import type { Count, Weights } from '../../api/plan.ts';

/**
 * What every strategy is made of: one stage as positions of old and new, without knowing workloads or
 * instructions. `stage-instructions.ts` turns it into instructions that keep the order of design section 5:
 * the new side grows and is proven, then traffic moves and is proven, then the old side drains.
 */
export interface Step {
  readonly title: string;
  /** Stage numbers of the unmerged strategy whose `before` and `after` this step stands for: gates name those. */
  readonly covers: { readonly before: readonly number[]; readonly after: readonly number[] };
  /** Instances of the new side; null leaves it as it is. */
  readonly to: Count | null;
  /** Traffic once the new side is proven; null leaves it as it is. */
  readonly weights: Weights | null;
  /** Instances of the old side after its drain; null leaves it as it is. `full` with `weights` 0: drained, kept. */
  readonly from: Count | null;
  /** The old side goes altogether (cold). */
  readonly removeFrom: boolean;
  /** The workload's own controller replaces instance by instance. */
  readonly roll: boolean;
  readonly soakMs: number | null;
}

export const step = (number: number, title: string, more: Partial<Omit<Step, 'title' | 'covers'>>): Step => ({
  title,
  covers: { before: [number], after: [number] },
  to: null,
  weights: null,
  from: null,
  removeFrom: false,
  roll: false,
  soakMs: null,
  ...more,
});

export const ALL_TO: Weights = { kind: 'fixed', from: 0, to: 100 };

/** What a strategy answers: its steps, or why it cannot. */
export interface StrategySteps {
  readonly steps: readonly Step[];
  readonly afterwards: 'warm' | 'cold' | 'none';
  readonly warnings: readonly string[];
}
export interface StrategyRefusal {
  readonly path: string;
  readonly message: string;
}

/** The largest routed workload, on whose size counts are checked. */
export interface StrategyCapacity {
  readonly replicas: number;
  /** Size of its old side, where the release changes it. */
  readonly replicasFrom: number;
}
