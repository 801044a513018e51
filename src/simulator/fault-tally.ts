import type { SeededRandom } from './seeded-random.ts';

/** How often each kind of fault was met: a fault that is drawn and meets nothing proves nothing. */
export class FaultTally {
  readonly met: Record<string, number> = {};

  add(kind: string): void {
    this.met[kind] = (this.met[kind] ?? 0) + 1;
  }
}

/** Whether a fault of chance strikes now; one that does is counted. */
export type Strikes = (kind: string, probability: number) => boolean;

export const strikesOf =
  (random: SeededRandom, tally: FaultTally): Strikes =>
  (kind, probability) => {
    const struck = random.chance(probability);
    if (struck) tally.add(kind);
    return struck;
  };
