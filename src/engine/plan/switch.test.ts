import { describe, expect, it } from 'vitest';
import { Strategy } from '../../api/strategy.ts';
import { planSteps } from './steps.ts';

/** The plan of a strategy, with what was live before it. */
const planned = (strategy: unknown, liveStrategy: string | null) => {
  const result = planSteps({
    strategy: Strategy.parse(strategy),
    liveStrategy,
    hasFrom: true,
    toIsWarm: false,
    capacity: { replicas: 6, replicasFrom: 6 },
    gates: [],
  });
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

describe('pauses of a release that goes once by blueGreen', () => {
  it.each([
    ['none were asked for: to rolling', { rolling: {} }, 'blueGreen', []],
    ['none were asked for: from rolling', { scaled: {} }, 'rolling', []],
    ['of as many stages', { scaled: { pause: [1] } }, 'rolling', [1]],
    ['of one stage', { rolling: { pause: [1] } }, 'scaled', []],
    ['of four stages', { canary: { pause: [1, 3] } }, 'rolling', []],
    ['of blueGreen itself, from rolling', { blueGreen: {} }, 'rolling', [1, 2]],
    ['of blueGreen itself, that has none', { blueGreen: { pause: [] } }, 'rolling', []],
    ['without a switch', { canary: { pause: [1, 3] } }, 'scaled', [1, 3]],
  ] as const)('%s', (_, strategy, live, pauses) => {
    expect(planned(strategy, live).pauses).toEqual(pauses);
  });

  it('says which pauses it leaves out', () => {
    expect(planned({ canary: { pause: [1, 3] } }, 'rolling').warnings).toEqual([
      'changing from rolling to canary: this release goes once by blueGreen',
      'pauses after stages 1, 3 of canary are left out this once: blueGreen has other stages',
    ]);
    expect(planned({ scaled: { pause: [1] } }, 'rolling').warnings).toHaveLength(1);
  });
});
