import { FaultTally } from './fault-tally.ts';
import { Life, NO_CALL_FAULTS } from './life.ts';
import { NodeClock } from './node-clock.ts';
import { SeededRandom } from './seeded-random.ts';
import { Timeline } from './timeline.ts';

/** 2026-11-20T12:00:00Z. */
export const EPOCH_MS = Date.UTC(2026, 10, 20, 12);
/** No case has this much to wait for: it waits for something that no event brings. */
const LONGEST_MS = 10 * 60_000;
const LOOK_MS = 5;

/** Where a conformance case runs on a model: a timeline that goes on as long as the case does. */
export class VirtualTime {
  readonly timeline = new Timeline();
  readonly random: SeededRandom;

  constructor(seed: string) {
    this.random = new SeededRandom(seed);
  }

  async run(act: () => Promise<void>): Promise<void> {
    let over = false;
    const running = act().finally(() => {
      over = true;
    });
    // Its failure is told below, also where it comes while time still goes on.
    running.catch(() => undefined);
    const { timeline } = this;
    while (!over) {
      if (timeline.now > LONGEST_MS) throw new Error('the case waits for something that never comes');
      await timeline.run(
        timeline.now + 1_000,
        () => {},
        () => over,
      );
    }
    await running;
  }

  async until<T>(
    what: string,
    look: () => Promise<T | undefined> | T | undefined,
    timeoutMs = 60_000,
  ): Promise<T> {
    const { timeline } = this;
    for (const deadline = timeline.now + timeoutMs; timeline.now <= deadline; ) {
      const found = await look();
      if (found !== undefined) return found;
      await timeline.wait(LOOK_MS);
    }
    throw new Error(`waited ${timeoutMs} ms of virtual time for ${what}`);
  }

  life(name: string): Life {
    return new Life({
      ...{ name, timeline: this.timeline, faults: NO_CALL_FAULTS, tally: new FaultTally() },
      random: this.random.split(name),
      clock: new NodeClock(this.timeline, EPOCH_MS),
    });
  }
}
