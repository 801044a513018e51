import { expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { type Place, placeId } from '../api/standing.ts';
import type {
  ClusterDriver,
  TrafficRouter,
  WorkloadKey,
  WorkloadObservation,
} from '../drivers/cluster-driver.ts';
import type { AgentFrame } from '../execution/protocol.ts';
import { silentLog } from '../lib/log.ts';
import { StandingWatch } from './standing-watch.ts';

type Told = Extract<AgentFrame, { type: 'standing' }>;

const shop: Place = { namespace: 'default', application: 'shop', environment: 'local' };
const keyOf = (place: Place): WorkloadKey => ({ ...place, workload: 'web', version: 'web-r1' });

/** A cluster of wanted counts by place, and orders by place as the desk would say them. */
function make() {
  const clock = autoClock();
  const wanted = new Map<string, { place: Place; count: number }>();
  const orders = new Map<string, string | null>();
  const told: Told[] = [];
  let changed = (_key: WorkloadKey) => {};
  let during = () => {};
  let looks = 0;
  const observe = (place: Place, count: number): WorkloadObservation => ({
    ...{ key: keyOf(place), wanted: count, instances: [], ready: count, proven: count, retiring: 0 },
    ...{ problem: null, drains: [] },
  });
  const watch = new StandingWatch({
    driver: {
      list: async () => {
        looks += 1;
        const all = [...wanted.values()].map(({ place, count }) => observe(place, count));
        during();
        return all;
      },
      onChange: (callback: typeof changed) => {
        changed = callback;
        return { [Symbol.dispose]: () => {} };
      },
    } as unknown as ClusterDriver,
    trafficRouter: { traffic: async () => ({ weights: { 'web-r1': 100 } }) } as unknown as TrafficRouter,
    clock,
    log: silentLog,
    holdings: () => new Map(orders),
    send: (frame) => {
      told.push(frame as Told);
      return true;
    },
  });
  return {
    ...{ clock, watch, told, orders },
    looks: () => looks,
    want: (count: number, place = shop) => {
      wanted.set(placeId(place), { place, count });
      changed(keyOf(place));
    },
    during: (act: () => void) => {
      during = act;
    },
    counts: () => told.map(({ places }) => places.map(({ workloads }) => workloads[0]?.wanted ?? 0)),
  };
}

it('tells all after a welcome, and then what changed, once a second at the most', async () => {
  const { clock, watch, told, want, counts } = make();
  want(2);
  watch.connected();
  await clock.sleep(10);
  expect(told[0]).toMatchObject({
    whole: true,
    places: [{ ...shop, services: [{ weights: { 'web-r1': 100 } }] }],
  });
  for (const count of [3, 4, 5]) want(count);
  await clock.sleep(1_100);
  expect(counts()).toEqual([[2], [5]]);
  expect(told[1]?.whole).toBe(false);
  await clock.sleep(60_000);
  expect(told).toHaveLength(2);
});

it('tells all again on a new connection', async () => {
  const { clock, watch, told, want } = make();
  want(2);
  watch.connected();
  await clock.sleep(10);
  watch.disconnected();
  watch.connected();
  await clock.sleep(10);
  expect(told.map(({ whole }) => whole)).toEqual([true, true]);
});

it('tells nothing of a place where an order runs, and says that one does', async () => {
  const { clock, watch, told, want, orders, looks } = make();
  want(2);
  orders.set(placeId(shop), null);
  watch.connected();
  await clock.sleep(10);
  expect(told[0]).toMatchObject({ whole: true, places: [], busy: [shop] });
  // It is looked at again when the order has ended, and not every second until then.
  const before = looks();
  await clock.sleep(14_000);
  expect(looks()).toBe(before);
  orders.set(placeId(shop), 'ended');
  watch.ended(shop);
  await clock.sleep(10);
  expect(told.at(-1)?.places).toHaveLength(1);
});

it('tells nothing that an order may have changed while it was read', async () => {
  const { clock, watch, want, orders, during, counts } = make();
  want(2);
  during(() => {
    // An order begins and ends between two reads.
    orders.set(placeId(shop), `${orders.get(placeId(shop)) ?? ''} another`);
    during(() => {});
  });
  watch.connected();
  await clock.sleep(10);
  expect(counts()).toEqual([[]]);
  await clock.sleep(1_100);
  expect(counts()).toEqual([[], [2]]);
});

it('tells again what stands after an order, also where that is as before, and where nothing is left', async () => {
  const { clock, watch, want, counts } = make();
  want(2);
  watch.connected();
  await clock.sleep(10);
  watch.ended(shop);
  await clock.sleep(10);
  watch.ended({ ...shop, application: 'gone' });
  await clock.sleep(10);
  expect(counts()).toEqual([[2], [2], [0]]);
});
