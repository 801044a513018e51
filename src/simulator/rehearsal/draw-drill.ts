import type { ChanceFaults } from '../platform.ts';
import { NO_CHANCE_FAULTS } from '../platform.ts';
import type { FaultEvent, Operation, Scenario } from '../scenario.ts';
import { SeededRandom } from '../seeded-random.ts';
import type { Assumptions } from './assumptions.ts';
import { castOf } from './cast.ts';
import { type Breakage, type Drill, roundOf } from './drills.ts';
import { environmentOf, fileOf, type Subject } from './side.ts';

/** A run of a rehearsal as a value: the scenario, and what its people do when the release has ended. */
export interface DrawnDrill {
  readonly seed: number;
  readonly drill: Drill;
  readonly scenario: Scenario;
  /** When what is rehearsed begins, ms. */
  readonly fromMs: number;
  readonly goBackAfterMs: number | null;
}

/** How long things take when nothing breaks: found out once, so that faults meet the release and not its aftermath. */
export interface Pace {
  /** Until what stands before the release stands, ms. */
  readonly standsMs: number;
  readonly releaseMs: number;
  /** Moments of the release at which something changes, ms from its beginning. */
  readonly moments: readonly number[];
}

const MINUTE = 60_000;
/** Before anything is known of the pace. */
export const UNKNOWN_PACE: Pace = { standsMs: 10 * MINUTE, releaseMs: 10_000, moments: [] };
const SOON_MS = 10_000;
/** Faults of calls, links, disk and store, about as many as a bad hour has. */
const UNRELIABLE: ChanceFaults = {
  call: { crash: 0.0005, slow: 0.01, pause: 0 },
  store: { unavailable: 0.01, answerLost: 0.01, gone: 0.005, lateWatch: 0.1 },
  disk: { full: 0.005, sync: 0.005 },
  link: { reset: 0.005, halfOpen: 0.002, duplicate: 0.1, slow: 0.05, dialRefused: 0.1 },
};

export function drawDrill(
  subject: Subject,
  assumed: Assumptions,
  {
    seed,
    pace,
    requestEveryMs,
    limitMs,
  }: { seed: number; pace: Pace; requestEveryMs: number; limitMs: number },
): DrawnDrill {
  const root = new SeededRandom(`rehearsal/${seed}`);
  const round = roundOf(subject);
  const drill = round[(seed - 1) % round.length] as Drill;
  const { from } = drill.isFirst ? { from: null } : subject;
  const where = { application: subject.application, environment: subject.environment };
  const fromMs = from === null ? 100 : Math.ceil(pace.standsMs * 1.5) + 2_000;
  const operations: Operation[] = [
    ...(from === null
      ? []
      : [
          {
            ...where,
            atMs: 100,
            type: 'apply' as const,
            spec: fileOf(from, 'old', { asked: false, environment: subject.environment }),
          },
        ]),
    {
      ...where,
      atMs: fromMs,
      type: 'apply',
      spec: fileOf(subject.to, 'new', { asked: true, environment: subject.environment }),
    },
  ];
  const faults = root.split('faults');
  const at = () => fromMs + momentOf(pace, faults);
  if (drill.deed === 'abort' || drill.deed === 'rollback')
    operations.push({
      ...where,
      atMs: fromMs + momentOf(pace, root.split('deed')),
      type: 'verb',
      verb: drill.deed,
    });
  const struck = drill.breaks.flatMap((what) => breakageOf(what, at, faults));
  const isUnreliable = drill.breaks.includes('chance');
  return {
    seed,
    drill,
    fromMs,
    goBackAfterMs: goBackAfterMs(drill, assumed, root.split('way back')),
    scenario: {
      seed: `rehearsal/${seed}`,
      environments: { [subject.environment]: environmentOf(subject) },
      ...castOf(subject, assumed, { ailment: drill.ailment, random: root.split('ailment') }),
      operations,
      faults: struck.sort((a, b) => a.atMs - b.atMs),
      chance: isUnreliable ? UNRELIABLE : NO_CHANCE_FAULTS,
      chanceFromMs: fromMs,
      plane: { lagMs: 0, outOfOrder: 0, stuck: 0 },
      retention: null,
      requestEveryMs,
      busyMs: Math.ceil(fromMs + (drill.breaks.length === 0 ? 1_000 : pace.releaseMs * 1.3 + SOON_MS)),
      calmMs: limitMs,
    },
  };
}

/** Most faults meet a change, since between two changes of a long soak there is little to break. */
function momentOf({ moments, releaseMs }: Pace, random: SeededRandom): number {
  if (moments.length > 0 && random.chance(0.6))
    return Math.max(0, Math.round(random.pick(moments) + random.between(-1_500, 1_500)));
  return random.between(0, Math.ceil(releaseMs * 1.2));
}

function breakageOf(what: Breakage, at: () => number, random: SeededRandom): FaultEvent[] {
  const several = (most: number, make: () => FaultEvent) =>
    Array.from({ length: random.between(1, most) }, make);
  switch (what) {
    case 'manager':
    case 'agent':
      return several(3, () => ({ atMs: at(), type: 'kill', role: what }));
    case 'instances':
      return several(2, () => ({ atMs: at(), type: 'killInstance', pick: random.next() }));
    case 'partition':
      return several(2, () => ({ atMs: at(), type: 'partition', ms: random.between(200, 40_000) }));
    case 'stillness':
      return several(2, () => ({
        atMs: at(),
        type: 'pause',
        role: random.pick(['manager', 'agent']),
        ms: random.between(500, 40_000),
      }));
    case 'chance':
      return [];
  }
}

/** Late: at the end of the time for which people watch, which is when going back must still be easy. */
function goBackAfterMs({ deed }: Drill, { watchMs }: Assumptions, random: SeededRandom): number | null {
  if (deed === 'goBackLate')
    return Math.round(watchMs * (0.9 + 0.1 * random.next())) || random.between(1_000, SOON_MS);
  return deed === 'goBack' ? Math.min(random.between(500, SOON_MS), watchMs || SOON_MS) : null;
}
