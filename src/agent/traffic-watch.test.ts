import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { executionSpec, SERVICE } from '../../test/support/execution-orders.ts';
import { ModelCluster } from '../../test/support/model-driver.ts';
import type { TrafficTotals } from '../api/release.ts';
import type { ServiceTotals } from '../drivers/cluster-driver.ts';
import { silentLog } from '../lib/log.ts';
import { totalsSince } from './totals.ts';
import { TrafficWatch } from './traffic-watch.ts';

function make(baselines = new Map<string, Readonly<Record<string, ServiceTotals>>>()) {
  const clock = autoClock();
  const cluster = new ModelCluster(clock);
  const rose: TrafficTotals[] = [];
  const watch = new TrafficWatch({
    trafficRouter: cluster.trafficRouter,
    clock,
    log: silentLog,
    baselineOf: (subject) => baselines.get(subject),
    saveBaseline: async (subject, totals) => {
      baselines.set(subject, totals);
    },
    failuresRose: (_, totals) => rose.push(totals),
  });
  return { clock, cluster, rose, watch, baselines };
}
const spec = executionSpec([]);

describe('TrafficWatch', () => {
  it('counts from the first execution, and says at once that failures rose', async () => {
    const { clock, cluster, rose, watch } = make();
    cluster.count(SERVICE, 'shop-r1', 1_000, 7);
    await watch.watch('default', spec);
    expect(watch.totals(spec.subject)).toMatchObject({ requests: 0, failed: 0 });
    cluster.count(SERVICE, 'shop-r1', 50);
    await clock.sleep(150);
    expect(rose).toEqual([]);
    cluster.count(SERVICE, 'shop-r2', 10, 2, 'refused');
    await clock.sleep(150);
    expect(rose).toEqual([
      {
        requests: 60,
        failed: 2,
        failures: { refused: 2 },
        byVersion: { 'shop-r1': { requests: 50, failed: 0 }, 'shop-r2': { requests: 10, failed: 2 } },
      },
    ]);
    watch.stop();
  });

  it('goes on from the journalled baseline after a restart', async () => {
    const { cluster, watch, baselines } = make();
    cluster.count(SERVICE, 'shop-r1', 100);
    await watch.watch('default', spec);
    cluster.count(SERVICE, 'shop-r1', 30, 1);
    watch.stop();
    const again = make(baselines);
    again.cluster.count(SERVICE, 'shop-r1', 130, 1);
    await again.watch.watch('default', spec);
    expect(again.watch.totals(spec.subject)).toMatchObject({ requests: 30, failed: 1 });
    expect(again.rose).toHaveLength(1);
    again.watch.stop();
  });

  it('reads before the first execution, and keeps no later one waiting', async () => {
    const { cluster, watch } = make();
    let readings = 0;
    const { totals } = cluster.trafficRouter;
    cluster.trafficRouter.totals = (service) => {
      readings += 1;
      return totals(service);
    };
    await watch.watch('default', spec);
    expect(readings).toBe(1);
    await watch.watch('default', spec);
    expect(readings).toBe(1);
    watch.stop();
  });

  it('says nothing rather than 0 where it cannot be measured', async () => {
    const { cluster, watch, baselines } = make();
    cluster.fail('totals', new Error('ECONNREFUSED'));
    await watch.watch('default', spec);
    expect(watch.totals(spec.subject)).toBeNull();
    expect(baselines.size).toBe(0);
    watch.stop();
  });

  it('keeps what it last read while the router is away', async () => {
    const { clock, cluster, watch } = make();
    await watch.watch('default', spec);
    cluster.count(SERVICE, 'shop-r1', 5);
    await clock.sleep(150);
    cluster.fail('totals', new Error('ECONNREFUSED'), new Error('ECONNREFUSED'));
    await clock.sleep(150);
    expect(watch.totals(spec.subject)).toMatchObject({ requests: 5 });
    watch.stop();
  });

  it('stops counting what is forgotten, and never counts work outside releases', async () => {
    const { watch } = make();
    await watch.watch('default', spec);
    watch.forget(spec.subject);
    expect(watch.totals(spec.subject)).toBeNull();
    await watch.watch('default', { ...spec, release: null, subject: 'track/default/shop-local' });
    expect(watch.totals('track/default/shop-local')).toBeNull();
    watch.stop();
  });
});

describe('totalsSince', () => {
  const totals = (requests: number, failed: number): ServiceTotals => ({
    source: 'router',
    requests,
    failed,
    failures: failed > 0 ? { cut: failed } : {},
    byVersion: { v: { requests, failed } },
  });
  it('adds services up', () =>
    expect(totalsSince({ a: totals(10, 1) }, { a: totals(15, 2), b: totals(3, 1) })).toEqual({
      requests: 8,
      failed: 2,
      failures: { cut: 2 },
      byVersion: { v: { requests: 8, failed: 2 } },
    }));

  const own = (answered5xx: number | undefined, requests = 10): ServiceTotals => ({
    ...totals(requests, 0),
    ...(answered5xx === undefined ? {} : { answered5xx }),
    byVersion: { v: { requests, failed: 0, ...(answered5xx === undefined ? {} : { answered5xx }) } },
  });
  it.each<[string, Record<string, ServiceTotals>, Record<string, ServiceTotals>, number | undefined]>([
    ['since the baseline', { a: own(3) }, { a: own(8, 20) }, 5],
    ['of all services', { a: own(3) }, { a: own(8, 20), b: own(1) }, 6],
    ['not against a baseline without them', { a: own(undefined) }, { a: own(8, 20) }, undefined],
    ['not where one service does not say', {}, { a: own(8), b: own(undefined) }, undefined],
  ])("counts the application's own 5xx %s", (_, before, now, wanted) => {
    const since = totalsSince(before, now);
    expect(since.answered5xx).toBe(wanted);
    expect(since.byVersion.v?.answered5xx).toBe(wanted);
  });

  it('leaves out versions that nobody reached since then, also those without a name', () => {
    const old = { requests: 5, failed: 0 };
    const now = {
      ...totals(9, 0),
      byVersion: { v1: old, '': { requests: 0, failed: 0 }, v2: { requests: 4, failed: 0 } },
    };
    const since = totalsSince({ a: { ...totals(5, 0), byVersion: { v1: old } } }, { a: now });
    expect(Object.keys(since.byVersion)).toEqual(['v2']);
  });
});
