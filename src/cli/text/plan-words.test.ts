import { expect, test } from 'vitest';
import { virtualSpec } from '../../../test/support/virtual-release.ts';
import { Strategy } from '../../api/strategy.ts';
import { stageOutcome } from './plan-words.ts';

test.each([
  ['blueGreen', { blueGreen: {} }, ['6 old, 3 new', '6 old, 3 new, 100 %', '6 old, 3 new']],
  ['custom', { custom: { percentages: [50, 100] } }, ['2 old, 2 new, 67 %', '0 old, 3 new, 100 %']],
])('%s from 6 instances to 3 shows the old side at its own size', (_, strategy, words) => {
  const spec = virtualSpec({ strategy: Strategy.parse(strategy) });
  const sizes = { replicas: { shop: 3 }, workloads: [{ name: 'shop', replicasFrom: 6 }] };
  const said = spec.plan.stages.map((stage) => {
    const { from, to, share } = stageOutcome(stage, sizes);
    return `${from} old, ${to} new${share === null ? '' : `, ${share} %`}`;
  });
  expect(said).toEqual(words);
});
