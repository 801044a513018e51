import { expect, it } from 'vitest';
import type { TrafficWish } from '../drivers/cluster-driver.ts';
import { DataPlane, type PlaneFaults } from './data-plane.ts';
import { FaultTally } from './fault-tally.ts';
import { SeededRandom } from './seeded-random.ts';
import { Timeline } from './timeline.ts';

const KEY = { namespace: 'default', application: 'shop', environment: 'local', workload: 'web' };
const wish = (version: string): TrafficWish => ({
  ...{ service: KEY, routes: [], weights: { [version]: 100 }, aliases: { new: version, old: null } },
  fence: { subject: 'release/default/shop', epoch: 1, sequence: 1 },
});

function planeWith(faults: Partial<PlaneFaults>) {
  const timeline = new Timeline();
  const tally = new FaultTally();
  const all = { lagMs: 1_000, outOfOrder: 0, stuck: 0, ...faults };
  const plane = new DataPlane(timeline, new SeededRandom('plane'), all, tally);
  const until = (ms: number) => timeline.run(ms, () => {});
  const weights = () => plane.service(KEY).inForce?.weights;
  return { plane, tally, until, weights };
}

it('follows a write when its lag is over at the latest', async () => {
  const { plane, until, weights } = planeWith({});
  await plane.write(KEY, wish('web-r1'));
  await until(1_000);
  expect(weights()).toEqual({ 'web-r1': 100 });
});

it('that is stuck follows it long after, and says until when', async () => {
  const { plane, tally, until, weights } = planeWith({ stuck: 1 });
  await plane.write(KEY, wish('web-r1'));
  await until(1_000);
  expect(weights()).toBeUndefined();
  await until(plane.service(KEY).behindUntilMs);
  expect(weights()).toEqual({ 'web-r1': 100 });
  expect(tally.met).toEqual({ 'table beyond its lag': 1 });
});

it('shows an older table again within the lag, and the newest afterwards', async () => {
  const { plane, tally, until, weights } = planeWith({ outOfOrder: 1 });
  await plane.write(KEY, wish('web-r1'));
  await until(1_000);
  await plane.write(KEY, wish('web-r2'));
  const seen = new Set<string>();
  for (let ms = 1_000; ms <= 2_000; ms += 1) {
    await until(ms);
    seen.add(Object.keys(weights() ?? {}).join());
  }
  expect(tally.met['older table in force again']).toBeGreaterThan(0);
  expect(seen).toEqual(new Set(['web-r1', 'web-r2']));
  expect(weights()).toEqual({ 'web-r2': 100 });
});
