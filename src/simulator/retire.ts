import type { DrainRecord, WorkloadWish } from '../drivers/cluster-driver.ts';
import { instant } from '../lib/clock.ts';
import { durationMs } from '../lib/durations.ts';
import type { SimulatedInstance } from './instance.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

/** From SIGTERM to the end of an application that ends its streams well, ms. */
const TERM_MS = 60;
const LOOK_MS = 20;

/**
 * Takes one instance out of service in the order of design section 6: out of the table, requests done or the cap
 * over, SIGTERM, streams ended by the application, then its end; SIGKILL when the grace is over.
 */
export function retireSimulated(
  instance: SimulatedInstance,
  around: {
    readonly timeline: Timeline;
    readonly random: SeededRandom;
    readonly epochMs: number;
    readonly lagMs: number;
    readonly drain: WorkloadWish['spec']['drain'];
    leave(): void;
    drained(record: DrainRecord): void;
  },
): void {
  if (instance.retiringSinceMs !== null || instance.state === 'exited') return;
  const { timeline, random, lagMs } = around;
  const { timeout, streamTimeout, grace } = around.drain;
  const [capMs, graceMs] = [durationMs(timeout), Math.max(durationMs(grace), durationMs(streamTimeout))];
  const began = timeline.now;
  const passed = () => timeline.now - began;
  instance.retiringSinceMs = began;
  let atStart = { requests: instance.requests, streams: instance.streams };

  // Out of the table, acknowledged: at the latest when the lag is over.
  instance.after(lagMs === 0 ? 0.3 : random.between(0, lagMs), () => {
    around.leave();
    atStart = { requests: instance.requests, streams: instance.streams };
  });
  const end = () => {
    around.drained({
      instance: instance.id,
      startedAt: instant(around.epochMs + began),
      ms: passed(),
      ...atStart,
      cut: instance.inside.size,
    });
    instance.stop(passed() >= capMs ? 'cap' : 'killed');
  };
  const terminate = () => {
    const termAt = timeline.now;
    const endMs = Math.min(graceMs, TERM_MS);
    for (const request of instance.inside)
      if (request.stream) instance.after(random.between(0, endMs), () => request.endWell());
    // What is still inside goes on to its end: an application that is told to end answers what it has, if it cares.
    const waits = instance.program.finishesAtTerm ?? true;
    const look = () => {
      if (!waits || instance.inside.size === 0 || timeline.now - termAt >= graceMs) end();
      else instance.after(LOOK_MS, look);
    };
    instance.after(endMs + 1, look);
  };
  const look = () => {
    if (instance.requests === 0 || passed() >= capMs) terminate();
    else instance.after(LOOK_MS, look);
  };
  instance.after(Math.max(1, lagMs + 1), look);
}
