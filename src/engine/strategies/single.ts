import { FULL } from '../counts.ts';
import { ALL_TO, type StrategySteps, step } from './step.ts';

/** The native workload's own rolling update, one stage. */
export const rolling = (): StrategySteps => ({
  steps: [step(1, 'rolling update', { roll: true, removeFrom: true })],
  afterwards: 'cold',
  warnings: [],
});

/** From nothing: one stage that stands for all of the strategy's. */
export const first = (covers: readonly number[]): StrategySteps => ({
  steps: [{ ...step(1, 'deploy', { to: FULL, weights: ALL_TO }), covers }],
  afterwards: 'none',
  warnings: [],
});

/** To a revision that is warm: one flip; what was live drains and is warm in its turn. */
export const warmFlip = (covers: readonly number[]): StrategySteps => ({
  steps: [{ ...step(1, 'flip to the warm revision', { to: FULL, weights: ALL_TO, from: FULL }), covers }],
  afterwards: 'warm',
  warnings: [],
});
