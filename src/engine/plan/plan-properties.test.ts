import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlanModel } from '../../../test/support/plan-model.ts';
import { Gate } from '../../api/gate.ts';
import type { Plan, Stage } from '../../api/plan.ts';
import { ReleasePolicy, Strategy } from '../../api/strategy.ts';
import { evaluateAllowance } from '../counts.ts';
import { getsTraffic, hadTraffic, type PlanWorkload } from '../strategies/stage-instructions.ts';
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

/** A second workload beside the one that stays: what it is, and what the release makes of it. */
const beside = fc.record({
  type: fc.constantFrom('service' as const, 'worker' as const),
  wasRouted: fc.boolean(),
  routed: fc.boolean(),
  revisions: fc.constantFrom('both', 'both', 'from', 'to'),
  full: fc.integer({ min: 1, max: 12 }),
  fullFrom: fc.integer({ min: 1, max: 12 }),
});

const scenario = fc.record({
  strategy,
  full: size,
  // Often the release changes the size along with the revision.
  fullFrom: fc.oneof(fc.constant(null), size),
  surge: fc.oneof(fc.constant('100%'), allowance),
  unavailable: fc.oneof(fc.constant(0), allowance),
  wasRouted: fc.boolean(),
  beside: fc.option(beside),
  toIsWarm: fc.boolean(),
  // Splits a flip to a warm revision in two.
  gated: fc.boolean(),
  keptWarm: fc.nat(20),
  order: fc.infiniteStream(fc.nat(1_000)),
});

const SMOKE = Gate.parse({ name: 'smoke', after: 1, http: { path: '/' } });
const policy = ReleasePolicy.parse({});

interface Release {
  readonly strategy: Strategy;
  readonly workloads: readonly PlanWorkload[];
  readonly toIsWarm?: boolean;
  readonly gated?: boolean;
  readonly keptWarm?: number;
  readonly maxInstances?: number;
}

const planOf = (release: Release) =>
  planRelease({
    strategy: release.strategy,
    liveStrategy: null,
    from: { name: 'r1', digest: 'one' },
    to: { name: 'r2', digest: 'two' },
    toIsWarm: release.toIsWarm ?? false,
    workloads: release.workloads,
    gates: release.gated === true ? [SMOKE] : [],
    routes: [],
    policy,
    clusters: ['local'],
    approval: null,
    maxInstances: release.maxInstances ?? null,
    keptWarm:
      release.keptWarm === undefined
        ? []
        : [{ revision: 'r0', instances: release.keptWarm, expiresAt: '2026-11-20T14:30:00.000Z' }],
  });

function planned(release: Release): Plan | undefined {
  const result = planOf(release);
  if (!result.ok) for (const refusal of result.error) expect(refusal.message.length).toBeGreaterThan(20);
  return result.ok ? result.value : undefined;
}

const workloadOf = (
  full: number,
  surge: number | string,
  unavailable: number | string,
  more: Partial<PlanWorkload> = {},
): PlanWorkload => ({
  name: 'shop',
  type: 'service',
  routed: true,
  wasRouted: true,
  replicas: full,
  replicasFrom: full,
  surge: evaluateAllowance(surge, full, 'surge'),
  unavailable: Math.min(full - 1, evaluateAllowance(unavailable, full, 'unavailable')),
  inFrom: true,
  inTo: true,
  ...more,
});

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

function workloadsOf(chosen: Scenario): PlanWorkload[] {
  const { full, fullFrom, surge, unavailable, wasRouted } = chosen;
  const shop = workloadOf(full, surge, unavailable, { replicasFrom: fullFrom ?? full, wasRouted });
  const other = chosen.beside;
  if (other === null) return [shop];
  const service = other.type === 'service';
  const second = workloadOf(other.full, surge, unavailable, {
    name: 'other',
    type: other.type,
    replicasFrom: other.fullFrom,
    inFrom: other.revisions !== 'to',
    inTo: other.revisions !== 'from',
    routed: service && other.routed && other.revisions !== 'from',
    wasRouted: service && other.wasRouted && other.revisions !== 'to',
  });
  return [second, shop];
}

const endOf = (model: PlanModel, { name }: PlanWorkload) => {
  const { ready, weights } = model.of(name);
  return { ready, weights };
};

/** What stands when a release has gone through. */
function forward(w: PlanWorkload, plan: Plan) {
  const kept = plan.afterwards === 'warm' && w.inFrom && w.inTo && w.type !== 'worker';
  return {
    ready: { from: kept ? w.replicasFrom : 0, to: w.inTo ? w.replicas : 0 },
    weights: getsTraffic(w) ? { from: 0, to: 100 } : { from: 0, to: 0 },
  };
}

/** What stands when it was turned back: all that stood before. */
const back = (w: PlanWorkload, toWasWarm: boolean) => ({
  ready: {
    from: w.inFrom ? w.replicasFrom : 0,
    to: toWasWarm && w.inTo && w.type !== 'worker' ? expect.any(Number) : 0,
  },
  weights: hadTraffic(w) ? { from: 100, to: 0 } : { from: 0, to: 0 },
});

describe('every plan', () => {
  it(`keeps the floors in every order its needs allow, forward and back, in ${RUNS} plans of 1 to 1,000 replicas`, () => {
    const seen = { planned: 0, refused: 0, turned: 0 };
    fc.assert(
      fc.property(scenario, (chosen) => {
        const { order, toIsWarm, gated } = chosen;
        const workloads = workloadsOf(chosen);
        const release = { strategy: chosen.strategy, workloads, toIsWarm, gated, keptWarm: chosen.keptWarm };
        const plan = planned(release);
        if (plan === undefined) {
          seen.refused += 1;
          return;
        }
        seen.planned += 1;
        const pick = <T>(list: readonly T[]): T | undefined =>
          list[(order.next().value ?? 0) % Math.max(1, list.length)];
        const model = new PlanModel(workloads, toIsWarm);
        const all = plan.stages.reduce((n, stage) => n + stage.instructions.length, 0);
        const stopAfter = (order.next().value ?? 0) % (all * 2);
        let steps = 0;
        const run = (stage: Stage, limit: () => boolean, where: string) => {
          model.beginStage();
          for (
            let next = pick(model.available(stage));
            next !== undefined;
            next = pick(model.available(stage))
          ) {
            if (limit()) return;
            steps += 1;
            expect(model.run(next), `${where}${stage.title}: ${next.id}`).toEqual([]);
          }
        };
        for (const stage of plan.stages) run(stage, () => steps >= stopAfter, '');
        // A limit of all that ran at once is enough, and what is kept warm beside them counts.
        const widest = model.peak + chosen.keptWarm;
        if (steps === all) {
          expect(planOf({ ...release, maxInstances: widest - 1 }).ok, `within ${widest - 1}`).toBe(false);
          for (const w of workloads) expect(endOf(model, w)).toEqual(forward(w, plan));
          return;
        }
        // Cut off anywhere, the way back restores the old version at full strength, by all its old routes.
        seen.turned += 1;
        for (const stage of turnBackStages(workloads, toIsWarm)) run(stage, () => false, 'back, ');
        for (const w of workloads) expect(endOf(model, w)).toEqual(back(w, toIsWarm));
      }),
      { numRuns: RUNS },
    );
    expect(seen.planned).toBeGreaterThan(RUNS / 4);
    expect(seen.refused).toBeGreaterThan(0);
    expect(seen.turned).toBeGreaterThan(RUNS / 10);
  });

  // Found by the property above once in a hundred thousand plans.
  it('gives one instance that had no traffic none while the old side shrinks first, where a percent is too much', () => {
    const workloads = [workloadOf(290, '0%', '31%', { replicasFrom: 201 })];
    const chosen = Strategy.parse({ custom: { percentages: [100], beta: true } });
    const plan = planned({ strategy: chosen, workloads });
    const model = new PlanModel(workloads, false);
    for (const stage of plan?.stages ?? []) {
      model.beginStage();
      for (let [next] = model.available(stage); next !== undefined; [next] = model.available(stage))
        expect(model.run(next), `${stage.title}: ${next.id}`).toEqual([]);
    }
    expect(model.of('shop').weights).toEqual({ from: 0, to: 100 });
  });

  it('hashes expressions and digests: the same input the same hash, whatever the titles say', () =>
    fc.assert(
      fc.property(strategy, fc.integer({ min: 2, max: 500 }), (chosen, full) => {
        const w = workloadOf(full, '100%', 0);
        expect(planned({ strategy: chosen, workloads: [w] })?.hash).toBe(
          planned({ strategy: chosen, workloads: [w] })?.hash,
        );
      }),
      { numRuns: 200 },
    ));

  it('an autoscaler’s move is no drift: another size, the same hash', () => {
    const chosen = Strategy.parse({ scaled: {} });
    const hashAt = (full: number) =>
      planned({ strategy: chosen, workloads: [workloadOf(full, '100%', 0)] })?.hash;
    expect(hashAt(6)).toBe(hashAt(9));
  });
});
