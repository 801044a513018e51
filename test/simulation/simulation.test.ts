import { describe, expect, it } from 'vitest';
import { drawScenario } from '../../src/simulator/draw-scenario.ts';
import { NO_CHANCE_FAULTS } from '../../src/simulator/platform.ts';
import { simulate } from '../../src/simulator/simulation.ts';
import { runCampaign } from './campaign.ts';
import { shrink } from './shrink.ts';

const SHORT_CAMPAIGN = 25;
/** Kinds of faults that few seeds meet already; each is counted where it strikes. */
const EVERYDAY_FAULTS = [
  ...['deaths of the manager', 'deaths of the agent', 'crash before an effect', 'crash after an effect'],
  ...['late answer', 'store unavailable', 'answer of the store lost', 'watch late', 'watch gone (410)'],
  ...['link reset', 'link half open', 'frame doubled', 'frame late', 'fsync failed', 'disk full'],
  ...['instance dies after ready', 'instance flaps', 'table late', 'artifact collected'],
];

describe('the simulator', () => {
  it.each(['3', '7', '20'])('gives the same run for seed %s, to the byte', async (seed) => {
    const run = async () => JSON.stringify(await simulate({ scenario: drawScenario(seed), trace: true }));
    expect(await run()).toBe(await run());
  });

  it(`finds every promise kept in ${SHORT_CAMPAIGN} seeds`, async () => {
    const result = await runCampaign({ from: 1, seeds: SHORT_CAMPAIGN });
    expect(result.violations).toEqual([]);
    expect(result.releases.Succeeded).toBeGreaterThan(SHORT_CAMPAIGN);
    for (const kind of EVERYDAY_FAULTS) expect(result.faults[kind] ?? 0, kind).toBeGreaterThan(0);
  });

  it('books requests that are longer than their drain as cut, by that cause', async () => {
    const scenario = drawScenario('6');
    // Slow requests last an hour, and a drain ten seconds.
    const cut = {
      ...scenario,
      programs: Object.fromEntries(
        Object.entries(scenario.programs).map(([name, program]) => [name, { ...program, slowMs: 3_600_000 }]),
      ),
    };
    const { requests } = await simulate({ scenario: cut });
    expect(requests.failed['reset, drain cap reached'] ?? 0).toBeGreaterThan(0);
  });

  it('finds what somebody else wrote over put right', async () => {
    const scenario = drawScenario('3');
    const edits = ['none', 'weights', 'more', 'away', 'fewer'] as const;
    // Often enough that some of them find something to write over, whatever this seed releases when.
    const faults = Array.from({ length: Math.floor(scenario.busyMs / 20_000) }, (_, n) => ({
      ...{ atMs: 20_000 * (n + 1), type: 'foreignEdit' as const, what: edits[n % edits.length] ?? 'none' },
      pick: 0.5,
    }));
    const outcome = await simulate({ scenario: { ...scenario, faults, chance: NO_CHANCE_FAULTS } });
    expect(outcome.violations).toEqual([]);
    expect(outcome.faults.foreignEdit ?? 0).toBeGreaterThan(1);
  });

  it('shrinks a run that breaks a rule to the deed that breaks it', async () => {
    const drawn = drawScenario('4');
    // Nothing ever gets ready, and nobody has time: the first release cannot have come to rest.
    const scenario = {
      ...drawn,
      busyMs: 10_000,
      calmMs: 0,
      programs: Object.fromEntries(
        Object.entries(drawn.programs).map(([name, program]) => [name, { ...program, startMs: 3_600_000 }]),
      ),
    };
    const before = await simulate({ scenario });
    expect(before.violations.map(({ rule }) => rule)).toContain('INV-28');
    const { scenario: least } = await shrink(scenario, 'INV-28', 60_000);
    expect(least.operations.map(({ type }) => type)).toEqual(['apply']);
    expect(least.faults).toEqual([]);
    expect((await simulate({ scenario: least })).violations.map(({ rule }) => rule)).toContain('INV-28');
  });
});
