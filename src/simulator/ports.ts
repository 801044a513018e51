import { Ports, type QuarantinedPort } from '../drivers/local/ports.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

/** No port is used again so soon after the table without it was acknowledged, ms. */
export const QUARANTINE_MS = 10_000;
/** Few enough that one is drawn again before long. */
const COUNT = 400;

/** The local driver's own ports over a machine on which nobody else listens and whose file is always written. */
export function simulatedPorts(timeline: Timeline, random: SeededRandom, epochMs: number): Ports {
  const file = {
    value: [] as readonly QuarantinedPort[],
    save: async (value: readonly QuarantinedPort[]) => {
      file.value = value;
    },
  };
  const never = (): Promise<never> => new Promise(() => {});
  return new Ports({
    clock: {
      now: () => epochMs + timeline.now,
      monotonic: () => timeline.now,
      sleep: never,
      setTimer: () => ({ [Symbol.dispose]: () => {} }),
    },
    ...{ random, file, count: COUNT, quarantineMs: QUARANTINE_MS },
    isFree: async () => true,
  });
}
