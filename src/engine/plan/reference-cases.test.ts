import { describe, expect, it } from 'vitest';
import { planText } from '../../../test/support/plan-text.ts';
import { virtualSpec } from '../../../test/support/virtual-release.ts';
import { Strategy } from '../../api/strategy.ts';

/** The reference cases of the design (section 5): the whole plan, instruction by instruction. */
const plan = (strategy: unknown, replicas: number, application: Record<string, unknown> = {}, more = {}) => {
  const workload = { command: ['server'], port: {}, replicas, readiness: { http: { path: '/' } } };
  return planText(
    virtualSpec({ strategy: Strategy.parse(strategy), application: { workload, ...application }, ...more })
      .plan,
    replicas,
  );
};

/** Instructions that change something. */
const MOVES = /^ {2}shop\/(ensure|traffic|drain)/;

describe('reference cases', () => {
  it('scaled, 6 instances: green 1 without traffic, green 4 and blue 2, green 6', () =>
    expect(
      plan({ scaled: {} }, 6, { gates: [{ name: 'smoke', after: 1, http: { path: '/version' } }] }),
    ).toEqual([
      '1 green 1 · after smoke',
      '  shop/ensure-new 1',
      '  shop/ready-new 1 ← shop/ensure-new',
      '  shop/prove-before 1 ← shop/ready-new',
      '2 green 4, blue 2',
      '  shop/ensure-new 4',
      '  shop/ready-new 4 ← shop/ensure-new',
      '  shop/prove-before 4 ← shop/ready-new',
      '  shop/traffic 33/67 ← shop/prove-before',
      '  shop/prove-after ← shop/traffic',
      '  shop/drain-old 2 ← shop/prove-after',
      '3 green 6, blue 0',
      '  shop/ensure-new 6',
      '  shop/ready-new 6 ← shop/ensure-new',
      '  shop/prove-before 6 ← shop/ready-new',
      '  shop/traffic 0/100 ← shop/prove-before',
      '  shop/prove-after ← shop/traffic',
      '  shop/drain-old 0 ← shop/prove-after',
      '  shop/remove-old ← shop/drain-old',
      'afterwards cold',
    ]));

  it('blueGreen, 6 instances: deploy, flip, drain and keep warm; pauses after 1 and 2', () =>
    expect(plan({ blueGreen: {} }, 6)).toEqual([
      '1 deploy green 6 · pause',
      '  shop/ensure-new 6',
      '  shop/ready-new 6 ← shop/ensure-new',
      '  shop/prove-before 6 ← shop/ready-new',
      '2 flip the entry · pause',
      '  shop/prove-before 6',
      '  shop/traffic 0/100 ← shop/prove-before',
      '  shop/prove-after ← shop/traffic',
      '3 drain blue, keep it warm',
      '  shop/drain-old 6',
      'afterwards warm',
    ]));

  it('blueGreen with pause: [] runs through', () =>
    expect(plan({ blueGreen: { pause: [] } }, 6).filter((line) => line.includes('pause'))).toEqual([]));

  it('custom [50, 100] of 10: v1 10/v2 0, then 5/5, then 0/10', () =>
    expect(plan({ custom: { percentages: [50, 100] } }, 10)).toEqual([
      '1 new 5, old 5',
      '  shop/ensure-new 5',
      '  shop/ready-new 5 ← shop/ensure-new',
      '  shop/prove-before 5 ← shop/ready-new',
      '  shop/traffic 50/50 ← shop/prove-before',
      '  shop/prove-after ← shop/traffic',
      '  shop/drain-old 5 ← shop/prove-after',
      '2 new 10, old 0',
      '  shop/ensure-new 10',
      '  shop/ready-new 10 ← shop/ensure-new',
      '  shop/prove-before 10 ← shop/ready-new',
      '  shop/traffic 0/100 ← shop/prove-before',
      '  shop/prove-after ← shop/traffic',
      '  shop/drain-old 0 ← shop/prove-after',
      '  shop/remove-old ← shop/drain-old',
      'afterwards cold',
    ]));

  it('custom with beta: a first stage of one instance without public traffic', () =>
    expect(plan({ custom: { percentages: [50, 100], beta: true } }, 10).slice(0, 5)).toEqual([
      '1 beta: 1 new without public traffic',
      '  shop/ensure-new 1',
      '  shop/ready-new 1 ← shop/ensure-new',
      '  shop/prove-before 1 ← shop/ready-new',
      '2 new 5, old 5',
    ]));

  it('canary by weight: instances as the weight needs, old at full size, warm', () =>
    expect(plan({ canary: { weights: [5, 100], soak: '5m' } }, 10)).toEqual([
      '1 5 % new · soak 300000 ms',
      '  shop/ensure-new 1',
      '  shop/ready-new 1 ← shop/ensure-new',
      '  shop/prove-before 1 ← shop/ready-new',
      '  shop/traffic 95/5 ← shop/prove-before',
      '  shop/prove-after ← shop/traffic',
      '2 100 % new, old kept warm',
      '  shop/ensure-new 10',
      '  shop/ready-new 10 ← shop/ensure-new',
      '  shop/prove-before 10 ← shop/ready-new',
      '  shop/traffic 0/100 ← shop/prove-before',
      '  shop/prove-after ← shop/traffic',
      '  shop/drain-old 10 ← shop/prove-after',
      'afterwards warm',
    ]));

  it('rolling, 10 replicas: one stage of the workload’s own controller', () =>
    expect(plan({ rolling: {} }, 10)).toEqual(['1 rolling update', '  shop/roll 10', 'afterwards cold']));

  it('scaled with one instance surges and has two stages', () =>
    expect(plan({ scaled: {} }, 1).filter((line) => !line.startsWith('  ') || MOVES.test(line))).toEqual([
      '1 green 1',
      '  shop/ensure-new 1',
      '2 green 1, blue 0',
      '  shop/ensure-new 1',
      '  shop/traffic 0/100 ← shop/prove-before',
      '  shop/drain-old 0 ← shop/prove-after',
      'afterwards cold',
    ]));

  it('a first release from nothing has one stage', () =>
    expect(plan({ scaled: {} }, 6, {}, { from: false })).toEqual([
      '1 deploy',
      '  shop/ensure-new 6',
      '  shop/ready-new 6 ← shop/ensure-new',
      '  shop/prove-before 6 ← shop/ready-new',
      '  shop/traffic 0/100 ← shop/prove-before',
      '  shop/prove-after ← shop/traffic',
      'afterwards none',
    ]));

  it('to a warm revision: one flip', () =>
    expect(plan({ blueGreen: { pause: [] } }, 6, {}, { warm: true })).toEqual([
      '1 flip to the warm revision',
      '  shop/ensure-new 6',
      '  shop/ready-new 6 ← shop/ensure-new',
      '  shop/prove-before 6 ← shop/ready-new',
      '  shop/traffic 0/100 ← shop/prove-before',
      '  shop/prove-after ← shop/traffic',
      '  shop/drain-old 6 ← shop/prove-after',
      'afterwards warm',
    ]));

  it('surge 1 moves instance by instance within a stage', () => {
    const workload = {
      command: ['server'],
      port: {},
      replicas: 4,
      maxSurge: 1,
      readiness: { http: { path: '/' } },
    };
    const lines = planText(
      virtualSpec({
        strategy: Strategy.parse({ custom: { percentages: [50, 100] } }),
        application: { workload },
      }).plan,
      4,
    );
    expect(lines.filter((line) => MOVES.test(line)).slice(0, 6)).toEqual([
      '  shop/ensure-new.1 1',
      '  shop/traffic.1 75/25 ← shop/prove-before.1',
      '  shop/drain-old.1 3 ← shop/prove-after.1',
      '  shop/ensure-new.2 2 ← shop/drain-old.1',
      '  shop/traffic.2 50/50 ← shop/prove-before.2',
      '  shop/drain-old.2 2 ← shop/prove-after.2',
    ]);
  });

  it('several workloads: every one proves before any flips, and drains after all are proven', () => {
    const service = { command: ['x'], port: {}, replicas: 2, readiness: { http: { path: '/' } } };
    const lines = plan({ blueGreen: { pause: [] } }, 2, {
      workload: undefined,
      workloads: {
        api: service,
        web: service,
        jobs: { type: 'worker', command: ['x'], replicas: 2 },
        schema: { type: 'migration', command: ['x'] },
      },
      routes: [
        { host: 'a.localhost', workload: 'api' },
        { host: 'w.localhost', workload: 'web' },
      ],
    });
    expect(lines[1]).toBe('  schema/migrate');
    expect(lines[2]).toBe('  api/ensure-new 2 ← schema/migrate');
    expect(lines.find((line) => line.startsWith('  web/traffic'))).toBe(
      '  web/traffic 0/100 ← api/prove-before jobs/ready-new web/prove-before'.replace('jobs/ready-new ', ''),
    );
  });
});
