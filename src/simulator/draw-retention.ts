import { RETENTION, type RetentionPolicy } from '../store/retention.ts';
import type { FaultEvent } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';

const HOUR = 3_600_000;

/**
 * Times that a run lives to see. The grace must exceed what clocks may be wrong by, as a day does in production:
 * with faults of the manager's clock nothing is collected.
 */
export function drawRetention(random: SeededRandom, faults: readonly FaultEvent[]): RetentionPolicy | null {
  const wrong = faults.some(
    (fault) => (fault.type === 'clockJump' || fault.type === 'clockRate') && fault.role === 'manager',
  );
  if (wrong || random.chance(0.3)) return null;
  return {
    ...RETENTION,
    releases: random.pick([1, 1, 2, 4]),
    releaseAgeMs: random.pick([20_000, 60_000, 180_000]),
    commandAgeMs: random.pick([60_000, HOUR]),
    executionAgeMs: random.pick([60_000, HOUR]),
    graceMs: random.pick([10_000, 20_000, 60_000]),
  };
}
