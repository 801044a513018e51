import { join } from 'node:path';
import { EXAMPLE } from '../../demo/shop.ts';
import { makePlace, removePlace, startSlipway, stopSlipway } from '../../demo/slipway.ts';
import { median, type Row, rounded } from '../row.ts';
import { spawnFloor } from './floor.ts';
import { phaseWords } from './phases.ts';
import { BenchShop, type TimedRelease } from './shop.ts';

export interface ReleaseRowsOptions {
  /** A quick look: fewer releases, whose figures say less. */
  readonly short?: boolean;
  /** Releases by each strategy that count. Default 7, short 3. */
  readonly releases?: number;
}

const FACTOR = 1.5;
const ALLOWANCE_MS = 100;

/** What is released, and the sizes of the groups of instances that have to be ready one after the other. */
const KINDS = [
  {
    name: 'blueGreen 6',
    strategy: { blueGreen: { pause: [], retention: { time: '1s' } } },
    groups: [6],
  },
  { name: 'scaled 6', strategy: { scaled: {} }, groups: [1, 3, 2] },
] as const;

/**
 * P5 of performance.md: an embedded release, from the command to the last flip, over the application's own
 * spawn-to-ready floor.
 *
 * - Value: from sending the one API request that starts the release to the instant at which the router put the
 *   last flip in force (its own, from the Release's evidence). In between: Revision, plan, decisions, each made
 *   durable; the agent fetches and unpacks a build that it has not seen; the instances start, get ready, are
 *   proven; for scaled the proof after each flip and the drain of the old ones before the next step.
 * - Floor: bare child_process, the same example, the same groups, polled every 5 ms (floor.ts).
 *
 * Both are taken in turn, each floor right before its release, with the six instances of the revision before
 * standing idle as they do in a release. Nothing else runs: no load, no terminal, no gates, `pause: []`.
 * The figure is (median value − 100 ms) ÷ median floor, so that the goal reads ≤ 1.5.
 */
export async function releaseRows(options: ReleaseRowsOptions = {}): Promise<Row[]> {
  const { short = false, releases = short ? 3 : 7 } = options;
  const place = makePlace();
  try {
    const slipway = await startSlipway(place, () => undefined);
    try {
      const shop = new BenchShop(slipway.api, place.directory);
      await shop.create();
      const results = KINDS.map((kind) => ({ kind, floors: [] as number[], timed: [] as TimedRelease[] }));
      // One more round than counted: the first of a process is its slowest, which a machine pays once.
      for (let round = 0; round <= releases; round += 1) {
        for (const { kind, floors, timed } of results) {
          const floor = await spawnFloor(join(EXAMPLE, 'v2'), kind.groups);
          const release = await shop.release(kind.strategy);
          if (round === 0) continue;
          floors.push(floor);
          timed.push(release);
        }
      }
      return results.map(({ kind, floors, timed }) => rowOf(kind.name, floors, timed));
    } finally {
      slipway.api.close();
      await stopSlipway(place);
    }
  } finally {
    removePlace(place);
  }
}

function rowOf(name: string, floors: readonly number[], timed: readonly TimedRelease[]): Row {
  const floor = median(floors);
  const ms = median(timed.map((release) => release.ms));
  const value = (ms - ALLOWANCE_MS) / floor;
  return {
    row: `P5 release to last flip, ${name}`,
    value: rounded(value),
    unit: `x floor beyond ${ALLOWANCE_MS} ms`,
    goal: `<= ${FACTOR}`,
    peer: null,
    floor: `${rounded(floor, 0)} ms from spawn to ready`,
    ok: value <= FACTOR,
    note: `release ${rounded(ms, 0)} ms, median of ${timed.length}; ${phaseWords(timed.map(({ phases }) => phases))}`,
  };
}
