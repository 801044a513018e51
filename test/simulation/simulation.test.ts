import { describe, expect, it } from 'vitest';
import { drawScenario } from '../../src/simulator/draw-scenario.ts';
import { simulate } from '../../src/simulator/simulation.ts';
import { runCampaign } from './campaign.ts';
import { shrink } from './shrink.ts';

const SHORT_CAMPAIGN = 25;

describe('the simulator', () => {
  it.each(['3', '7', '20'])('gives the same run for seed %s, to the byte', async (seed) => {
    const run = async () => JSON.stringify(await simulate({ scenario: drawScenario(seed), trace: true }));
    expect(await run()).toBe(await run());
  });

  it(`finds every promise kept in ${SHORT_CAMPAIGN} seeds`, async () => {
    const result = await runCampaign({ from: 1, seeds: SHORT_CAMPAIGN });
    expect(result.violations).toEqual([]);
    expect(result.releases.Succeeded).toBeGreaterThan(SHORT_CAMPAIGN);
    expect(result.faults['deaths of the agent']).toBeGreaterThan(SHORT_CAMPAIGN);
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

  it('shrinks a run that breaks a rule', async () => {
    const scenario = { ...drawScenario('4'), calmMs: 0 };
    const before = await simulate({ scenario });
    const rule = before.violations[0]?.rule;
    if (rule === undefined) throw new Error('it did not come to rest in no time, and nobody saw it');
    const { scenario: least } = await shrink(scenario, rule, 20_000);
    expect(least.operations.length).toBeLessThanOrEqual(scenario.operations.length);
    expect((await simulate({ scenario: least })).violations.map((violation) => violation.rule)).toContain(
      rule,
    );
  });
});
