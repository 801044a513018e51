import type { Result } from '../../lib/errors.ts';
import { FULL } from '../counts.ts';
import { ALL_TO, type StrategyCapacity, type StrategyRefusal, type StrategySteps, step } from './step.ts';

/** Green at full size; the entry flips; blue drains and stays warm, so that going back is one flip. */
export function blueGreen(capacity: StrategyCapacity): Result<StrategySteps, StrategyRefusal> {
  return {
    ok: true,
    value: {
      steps: [
        step(1, `deploy green ${capacity.replicas}`, { to: FULL }),
        step(2, 'flip the entry', { weights: ALL_TO }),
        step(3, 'drain blue, keep it warm', { from: FULL }),
      ],
      afterwards: 'warm',
      warnings: [],
    },
  };
}
