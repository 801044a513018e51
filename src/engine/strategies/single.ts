import { FULL } from '../counts.ts';
import { ALL_TO, type Step, type StrategySteps, step } from './step.ts';

/** The native workload's own rolling update, one stage. */
export const rolling = (): StrategySteps => ({
  steps: [step(1, 'rolling update', { roll: true, removeFrom: true })],
  afterwards: 'cold',
  warnings: [],
});

/** Which of the strategy's stage numbers a shortened plan asks where. */
export interface ShortenedStages {
  /** All of them. */
  readonly covers: readonly number[];
  /** The first that lets users in. */
  readonly usersFrom: number;
  /** Whether a gate needs a moment at which the new version runs and nobody is on it. */
  readonly split: boolean;
}

/** From nothing: what runs is asked before users are let in, where a gate wants that; else one stage for all. */
export const first = (stages: ShortenedStages): StrategySteps => ({
  steps: stages.split
    ? apart(stages, step(1, 'deploy', { to: FULL }), step(2, 'let users in', { weights: ALL_TO }))
    : [{ ...step(1, 'deploy', { to: FULL, weights: ALL_TO }), covers: all(stages) }],
  afterwards: 'none',
  warnings: [],
});

/** To a revision that is warm: one flip; what was live drains and is warm in its turn. */
export const warmFlip = (stages: ShortenedStages): StrategySteps => ({
  steps: stages.split
    ? apart(
        stages,
        step(1, 'warm revision at full size', { to: FULL }),
        step(2, 'flip to the warm revision', { weights: ALL_TO, from: FULL }),
      )
    : [
        {
          ...step(1, 'flip to the warm revision', { to: FULL, weights: ALL_TO, from: FULL }),
          covers: all(stages),
        },
      ],
  afterwards: 'warm',
  warnings: [],
});

const all = ({ covers }: ShortenedStages): Step['covers'] => ({ before: covers, after: covers });

/**
 * What the whole strategy asks before users see the new version is asked before they do here as well. A gate
 * before a later stage asks a version that runs, so it cannot stand before the deployment.
 */
function apart({ covers, usersFrom }: ShortenedStages, ready: Step, flip: Step): Step[] {
  return [
    {
      ...ready,
      covers: { before: covers.filter((n) => n === 1), after: covers.filter((n) => n < usersFrom) },
    },
    {
      ...flip,
      covers: { before: covers.filter((n) => n > 1), after: covers.filter((n) => n >= usersFrom) },
    },
  ];
}
