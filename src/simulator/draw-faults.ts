import type { PlaneFaults } from './data-plane.ts';
import { type ChanceFaults, NO_CHANCE_FAULTS } from './platform.ts';
import type { FaultEvent, Scenario } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';

const HOUR = 3_600_000;

/** What breaks in one run. Some runs are quiet, some have one kind of fault, some have them all. */
export function drawFaults(
  random: SeededRandom,
  busyMs: number,
): Pick<Scenario, 'faults' | 'chance' | 'plane'> {
  const plane: PlaneFaults = random.chance(0.25)
    ? {
        lagMs: random.pick([100, 1_000, 2_000]),
        outOfOrder: 0.3,
        stuck: random.pick([0, 0, 0.05, 0.15]),
      }
    : { lagMs: 0, outOfOrder: 0, stuck: 0 };
  const mood = random.weighted({ quiet: 1, some: 5, storm: 2 });
  if (mood === 'quiet') return { faults: [], chance: NO_CHANCE_FAULTS, plane: { ...plane, stuck: 0 } };
  const on = (probability: number) =>
    random.chance(mood === 'storm' ? Math.min(1, probability * 2) : probability);
  const rate = (most: number) => (on(0.4) ? random.next() * most : 0);
  const chance: ChanceFaults = {
    call: { crash: rate(0.002), slow: rate(0.03), pause: rate(0.0005) },
    store: { unavailable: rate(0.02), answerLost: rate(0.02), gone: rate(0.01), lateWatch: rate(0.2) },
    disk: { full: rate(0.02), sync: rate(0.02) },
    link: {
      reset: rate(0.01),
      halfOpen: rate(0.005),
      duplicate: rate(0.2),
      slow: rate(0.1),
      dialRefused: rate(0.2),
    },
  };
  const faults: FaultEvent[] = [];
  const some = (probability: number, most: number, make: (atMs: number) => FaultEvent) => {
    if (!on(probability)) return;
    const count = random.between(1, most);
    for (let n = 0; n < count; n += 1) faults.push(make(random.between(500, busyMs)));
  };
  some(0.5, 5, (atMs) => ({ atMs, type: 'kill', role: 'manager' }));
  some(0.5, 5, (atMs) => ({ atMs, type: 'kill', role: 'agent' }));
  some(0.2, 2, (atMs) => ({
    atMs,
    type: 'pause',
    role: random.pick(['manager', 'agent']),
    ms: random.between(500, 60_000),
  }));
  some(0.15, 2, (atMs) => ({ atMs, type: 'secondManager' }));
  some(0.25, 3, (atMs) => ({ atMs, type: 'partition', ms: random.between(200, 60_000) }));
  some(0.1, 1, (atMs) => ({
    atMs,
    type: 'clockJump',
    role: random.pick(['manager', 'agent']),
    ms: random.pick([-HOUR, -60_000, 60_000, HOUR]),
  }));
  some(0.1, 1, (atMs) => ({
    atMs,
    type: 'clockRate',
    role: random.pick(['manager', 'agent']),
    rate: random.pick([0.9, 0.99, 1.01, 1.1]),
  }));
  some(0.3, 4, (atMs) => ({ atMs, type: 'killInstance', pick: random.next() }));
  some(0.15, 4, (atMs) => ({
    atMs,
    type: 'foreignEdit',
    what: random.pick([
      'more',
      'fewer',
      'none',
      'weights',
      'away',
      'away',
      'back',
      'back',
      'revive',
      'revive',
    ]),
    pick: random.next(),
  }));
  some(0.06, 1, (atMs) => ({ atMs, type: 'otherAgent', ms: random.between(200, 20_000) }));
  some(0.2, 3, (atMs) => ({
    atMs,
    type: 'foreignOrder',
    what: random.pick(['newer', 'older', 'early']),
    pick: random.next(),
  }));
  some(0.1, 2, (atMs) => ({ atMs, type: 'killRouter', ms: random.between(20, 500) }));
  some(0.2, 4, (atMs) => ({ atMs, type: 'killProven', pick: random.next() }));
  return { faults: faults.sort((a, b) => a.atMs - b.atMs), chance, plane };
}
