import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlanModel } from '../../../test/support/plan-model.ts';
import type { Plan } from '../../api/plan.ts';
import { ReleasePolicy, Strategy } from '../../api/strategy.ts';
import { evaluateAllowance } from '../counts.ts';
import type { PlanWorkload } from '../strategies/stage-instructions.ts';
import { turnBackStages } from '../strategies/turn-back.ts';
import { planRelease } from './plan-release.ts';

/** How many plans the campaign looks at; the issue asks for 10,000. */
const RUNS = 10_000;

const rising = fc
  .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 6 })
  .map((list) => [...list.sort((a, b) => a - b), 100]);
const strategy = fc
  .oneof(
    fc.record({ scaled: fc.record({ warm: fc.boolean() }) }),
    rising.map((steps) => ({ scaled: { steps: steps.map((n) => `${n}%`) } })),
    fc.record({ custom: fc.record({ percentages: rising, beta: fc.boolean() }) }),
    fc.constant({ blueGreen: { pause: [] } }),
    fc.record({ canary: fc.record({ weights: rising, by: fc.constantFrom('weight', 'replicas') }) }),
  )
  .map((written) => Strategy.parse(written));
const allowance = fc.oneof(
  fc.nat(20),
  fc.integer({ min: 0, max: 100 }).map((n) => `${n}%`),
);
const size = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 1_000 }));

const scenario = fc.record({
  strategy,
  full: size,
  surge: fc.oneof(fc.constant('100%'), allowance),
  unavailable: fc.oneof(fc.constant(0), allowance),
  order: fc.infiniteStream(fc.nat(1_000)),
});

const policy = ReleasePolicy.parse({});

function planned(chosen: Strategy, w: PlanWorkload): Plan | undefined {
  const result = planRelease({
    strategy: chosen,
    liveStrategy: null,
    from: { name: 'r1', digest: 'one' },
    to: { name: 'r2', digest: 'two' },
    toIsWarm: false,
    workloads: [w],
    gates: [],
    routes: [],
    policy,
    clusters: ['local'],
    approval: null,
    maxInstances: null,
  });
  if (!result.ok) for (const refusal of result.error) expect(refusal.message.length).toBeGreaterThan(20);
  return result.ok ? result.value : undefined;
}

const workloadOf = (full: number, surge: number | string, unavailable: number | string): PlanWorkload => ({
  name: 'shop',
  type: 'service',
  routed: true,
  replicas: full,
  surge: evaluateAllowance(surge, full, 'surge'),
  unavailable: Math.min(full - 1, evaluateAllowance(unavailable, full, 'unavailable')),
  inFrom: true,
  inTo: true,
});

describe('every plan', () => {
  it(`keeps the floors in every order its needs allow, forward and back, in ${RUNS} plans of 1 to 1,000 replicas`, () => {
    const seen = { planned: 0, refused: 0, turned: 0 };
    fc.assert(
      fc.property(scenario, ({ strategy: chosen, full, surge, unavailable, order }) => {
        const w = workloadOf(full, surge, unavailable);
        const plan = planned(chosen, w);
        if (plan === undefined) {
          seen.refused += 1;
          return;
        }
        seen.planned += 1;
        const pick = <T>(list: readonly T[]): T | undefined =>
          list[(order.next().value ?? 0) % Math.max(1, list.length)];
        const model = new PlanModel(w, { from: full, to: 0 });
        const all = plan.stages.reduce((n, stage) => n + stage.instructions.length, 0);
        const stopAfter = (order.next().value ?? 0) % (all * 2);
        let steps = 0;
        for (const stage of plan.stages) {
          model.beginStage();
          for (
            let next = pick(model.available(stage));
            next !== undefined && steps < stopAfter;
            next = pick(model.available(stage))
          ) {
            expect(model.run(next), `${stage.title}: ${next.id}`).toEqual([]);
            steps += 1;
          }
        }
        if (steps === all) {
          expect(model.weights).toEqual({ from: 0, to: 100 });
          expect(model.readyTo).toBe(full);
          expect(model.from).toBe(plan.afterwards === 'warm' ? full : 0);
          return;
        }
        // Cut off anywhere, the way back restores the old version at full strength.
        seen.turned += 1;
        for (const stage of turnBackStages([w], false)) {
          model.beginStage();
          for (
            let next = pick(model.available(stage));
            next !== undefined;
            next = pick(model.available(stage))
          ) {
            expect(model.run(next), `back, ${stage.title}: ${next.id}`).toEqual([]);
          }
        }
        expect(model.weights).toEqual({ from: 100, to: 0 });
        expect([model.readyFrom, model.to]).toEqual([full, 0]);
      }),
      { numRuns: RUNS },
    );
    expect(seen.planned).toBeGreaterThan(RUNS / 4);
    expect(seen.refused).toBeGreaterThan(0);
    expect(seen.turned).toBeGreaterThan(RUNS / 10);
  });

  it('hashes expressions and digests: the same input the same hash, whatever the titles say', () =>
    fc.assert(
      fc.property(strategy, fc.integer({ min: 2, max: 500 }), (chosen, full) => {
        const w = workloadOf(full, '100%', 0);
        expect(planned(chosen, w)?.hash).toBe(planned(chosen, w)?.hash);
      }),
      { numRuns: 200 },
    ));

  it('an autoscaler’s move is no drift: another size, the same hash', () => {
    const chosen = Strategy.parse({ scaled: {} });
    expect(planned(chosen, workloadOf(6, '100%', 0))?.hash).toBe(
      planned(chosen, workloadOf(9, '100%', 0))?.hash,
    );
  });
});
