import { NO_CHANCE_FAULTS } from '../../src/simulator/platform.ts';
import type { Scenario } from '../../src/simulator/scenario.ts';
import { simulate } from '../../src/simulator/simulation.ts';

export interface Shrunk {
  readonly scenario: Scenario;
  readonly runs: number;
}

/**
 * The shortest scenario found that still breaks the same rule: fewer faults, fewer deeds of people, no faults of
 * chance. Greedy, in halves and then one by one (delta debugging, Zeller and Hildebrandt 2002), within `limitMs`
 * of wall time.
 */
export async function shrink(scenario: Scenario, rule: string, limitMs: number): Promise<Shrunk> {
  const until = performance.now() + limitMs;
  let best = scenario;
  let runs = 0;
  const still = async (candidate: Scenario): Promise<boolean> => {
    if (performance.now() > until) return false;
    runs += 1;
    const { violations } = await simulate({ scenario: candidate });
    if (!violations.some((violation) => violation.rule === rule)) return false;
    best = candidate;
    return true;
  };
  await still({ ...best, chance: NO_CHANCE_FAULTS });
  for (const kind of ['call', 'store', 'disk', 'link'] as const)
    await still({ ...best, chance: { ...best.chance, [kind]: NO_CHANCE_FAULTS[kind] } });
  for (const list of ['faults', 'operations'] as const) {
    for (
      let size = Math.ceil(best[list].length / 2);
      size >= 1;
      size = size === 1 ? 0 : Math.ceil(size / 2)
    ) {
      for (let start = 0; start < best[list].length; ) {
        const rest = [...best[list].slice(0, start), ...best[list].slice(start + size)];
        // What was left out stays out, and the next piece takes its place.
        if (!(await still({ ...best, [list]: rest }))) start += size;
      }
    }
  }
  return { scenario: best, runs };
}
