import { describe, expect, it } from 'vitest';
import type { PlanWorkload } from './stage-instructions.ts';
import { turnBackStages } from './turn-back.ts';

const workload = (name: string, type: PlanWorkload['type']): PlanWorkload => ({
  name,
  type,
  routed: type === 'service',
  wasRouted: type === 'service',
  replicas: 2,
  replicasFrom: 2,
  surge: 2,
  unavailable: 0,
  inFrom: true,
  inTo: true,
});
const instructions = (keepTo: boolean) =>
  turnBackStages([workload('web', 'service'), workload('schema', 'migration')], keepTo).flatMap((stage) =>
    stage.instructions.map(({ id }) => id),
  );

describe('the way back', () => {
  it.each([false, true])('takes along what a migration left behind (new side kept: %s)', (keepTo) => {
    expect(instructions(keepTo)).toContain('schema/remove-job');
  });

  it('restores the old side and its traffic before anything of the new side goes', () => {
    const ids = instructions(false);
    expect(ids.indexOf('web/prove-after')).toBeLessThan(ids.indexOf('web/drain-new'));
    expect(ids.indexOf('web/prove-after')).toBeLessThan(ids.indexOf('schema/remove-job'));
  });
});
