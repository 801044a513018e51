import { describe, expect, it } from 'vitest';
import { stageText } from '../../../test/support/plan-text.ts';
import { ReleasePolicy, Strategy } from '../../api/strategy.ts';
import type { PlanWorkload } from '../strategies/stage-instructions.ts';
import { turnBackStages } from '../strategies/turn-back.ts';
import { planRelease } from './plan-release.ts';

const workload = (name: string, more: Partial<PlanWorkload> = {}): PlanWorkload => ({
  name,
  type: 'service',
  routed: true,
  wasRouted: true,
  replicas: 6,
  replicasFrom: 6,
  surge: 12,
  unavailable: 0,
  inFrom: true,
  inTo: true,
  ...more,
});

function plan(strategy: unknown, workloads: readonly PlanWorkload[], more: Record<string, unknown> = {}) {
  return planRelease({
    strategy: Strategy.parse(strategy),
    liveStrategy: null,
    from: { name: 'r1', digest: 'one' },
    to: { name: 'r2', digest: 'two' },
    toIsWarm: false,
    workloads,
    gates: [],
    routes: [],
    policy: ReleasePolicy.parse({}),
    clusters: ['local'],
    approval: null,
    maxInstances: null,
    keptWarm: [],
    ...more,
  });
}

/** Instructions of one workload that move something, by stage. */
function moves(strategy: unknown, workloads: readonly PlanWorkload[], name: string): string[] {
  const planned = plan(strategy, workloads);
  if (!planned.ok) throw new Error(JSON.stringify(planned.error));
  return planned.value.stages.flatMap((stage) =>
    stageText(stage, 6)
      .filter((line) => line.startsWith(`  ${name}/`) && !/(ready|prove)[^←]*/.test(line.split('←')[0] ?? ''))
      .map((line) => `${stage.number}${line.slice(1)}`),
  );
}

const web = workload('web');
const unrouted = workload('api', { routed: false });
const dropped = workload('api', { routed: false, inTo: false });

describe('a service whose routes go', () => {
  it.each([
    [
      'scaled: before its first instance goes',
      { scaled: {} },
      unrouted,
      [
        '1 api/ensure-new 1',
        '2 api/ensure-new 4',
        '2 api/remove-traffic ← web/prove-after',
        '2 api/drain-old 2 ← api/remove-traffic',
        '3 api/ensure-new 6',
        '3 api/drain-old 0 ← web/prove-after',
        '3 api/remove-old ← api/drain-old',
      ],
    ],
    [
      'blueGreen: with the flip of the others',
      { blueGreen: { pause: [] } },
      unrouted,
      ['1 api/ensure-new 6', '2 api/remove-traffic ← web/prove-after', '3 api/drain-old 6'],
    ],
    [
      'canary by weight: when all traffic has moved',
      { canary: { weights: [5, 100] } },
      unrouted,
      [
        '1 api/ensure-new 1',
        '2 api/ensure-new 6',
        '2 api/remove-traffic ← web/prove-after',
        '2 api/drain-old 6 ← api/remove-traffic',
      ],
    ],
    [
      'rolling: before it rolls',
      { rolling: {} },
      unrouted,
      ['1 api/remove-traffic', '1 api/roll 6 ← api/remove-traffic'],
    ],
    [
      'dropped: with the last stage',
      { scaled: {} },
      dropped,
      [
        '3 api/remove-traffic ← web/prove-after',
        '3 api/drain-old 0 ← api/remove-traffic',
        '3 api/remove-old ← api/drain-old',
      ],
    ],
    [
      'dropped by rolling: after the others have rolled',
      { rolling: {} },
      dropped,
      [
        '1 api/remove-traffic ← web/roll',
        '1 api/drain-old 0 ← api/remove-traffic',
        '1 api/remove-old ← api/drain-old',
      ],
    ],
  ])('%s', (_, strategy, api, expected) => expect(moves(strategy, [api, web], 'api')).toEqual(expected));

  it.each([
    ['kept', unrouted],
    ['dropped', dropped],
  ])('%s: the way back proves the old side and restores its routes', (_, api) => {
    const [restore, remove] = turnBackStages([api, web], false);
    const of = (stage: typeof restore) => stage?.instructions.map(({ id }) => id) ?? [];
    expect(of(restore)).toEqual(
      expect.arrayContaining(['api/prove-old', 'api/traffic-back', 'web/traffic-back']),
    );
    expect(of(remove).filter((id) => id.endsWith('remove-traffic'))).toEqual([]);
  });

  it('one that gets its first routes loses them on the way back, before its new side drains', () => {
    const [restore, remove] = turnBackStages([workload('api', { wasRouted: false }), web], false);
    expect(restore?.instructions.map(({ id }) => id)).not.toContain('api/traffic-back');
    expect(remove?.instructions.find(({ id }) => id === 'api/drain-new')?.needs).toEqual([
      'api/remove-traffic',
    ]);
  });
});

describe('a size that changes with the revision', () => {
  const titles = (strategy: unknown, replicasFrom: number, replicas: number) => {
    const planned = plan(strategy, [workload('web', { replicas, replicasFrom, surge: replicas })]);
    if (!planned.ok) throw new Error(JSON.stringify(planned.error));
    return planned.value.stages.map(({ title }) => title);
  };

  it.each([
    ['raised', { scaled: {} }, 6, 12, ['green 1', 'green 8, blue 2', 'green 12, blue 0']],
    ['lowered', { scaled: {} }, 12, 6, ['green 1', 'green 4, blue 4', 'green 6, blue 0']],
    [
      'raised, in numbers',
      { scaled: { steps: [1, 8, '100%'] } },
      6,
      12,
      ['green 1', 'green 8, blue 2', 'green 12, blue 0'],
    ],
    ['custom', { custom: { percentages: [50, 100] } }, 5, 12, ['new 6, old 3', 'new 12, old 0']],
    ['from one', { custom: { percentages: [50, 100] } }, 1, 10, ['new 5, old 1', 'new 10, old 0']],
  ])('%s: each side by its own', (_, strategy, from, to, expected) =>
    expect(titles(strategy, from, to)).toEqual(expected),
  );

  it('the widest moment counts both as they are', () => {
    const wide = workload('web', { replicas: 20, replicasFrom: 6, surge: 20 });
    expect(plan({ blueGreen: {} }, [wide], { maxInstances: 26 }).ok).toBe(true);
    expect(plan({ blueGreen: {} }, [wide], { maxInstances: 25 }).ok).toBe(false);
  });

  it('what is warm already is not held within the surge', () => {
    const tight = workload('web', { surge: 1 });
    const flip = { toIsWarm: true, maxInstances: 11 };
    expect(plan({ blueGreen: {} }, [tight], flip)).toMatchObject({
      error: [{ message: expect.stringContaining('needs 12 instances at its widest and') }],
    });
  });
});

describe('workers', () => {
  const jobs = workload('jobs', { type: 'worker', routed: false, wasRouted: false });

  it('end where services stay warm: nothing takes their work from them', () =>
    expect(moves({ blueGreen: { pause: [] } }, [jobs, web], 'jobs')).toEqual([
      '1 jobs/ensure-new 6',
      '3 jobs/drain-old 0',
    ]));

  it('of a warm revision are started before the flip, and end when it is turned back', () => {
    const planned = plan({ blueGreen: { pause: [] } }, [jobs, web], { toIsWarm: true });
    const [flip] = planned.ok ? planned.value.stages : [];
    const ids = flip?.instructions.map(({ id }) => id) ?? [];
    expect(ids).toContain('jobs/ensure-new');
    expect(flip?.instructions.find(({ id }) => id === 'web/traffic')?.needs).toContain('jobs/ready-new');
    const drains = turnBackStages([jobs, web], true).flatMap(({ instructions }) =>
      instructions.filter(({ type }) => type === 'drain'),
    );
    expect(drains).toMatchObject([
      { workload: 'jobs', replicas: { kind: 'zero' } },
      { workload: 'web', replicas: { kind: 'full' } },
    ]);
  });
});

describe('what is kept warm beside the release', () => {
  const keptWarm = [{ revision: 'shop-local-r0', instances: 6, expiresAt: '2026-11-20T14:30:00.000Z' }];

  it.each([
    [18, true, ''],
    [
      17,
      false,
      'needs 18 instances at its widest (6 of shop-local-r0, kept warm until 2026-11-20T14:30:00.000Z)',
    ],
    [12, false, 'release again once the warm ones have gone'],
    [11, false, 'use fewer replicas'],
  ])('counts for maxInstances %i', (maxInstances, ok, words) => {
    const planned = plan({ blueGreen: {} }, [web], { keptWarm, maxInstances });
    expect(planned.ok).toBe(ok);
    if (!planned.ok) expect(planned.error[0]?.message).toContain(words);
  });
});
