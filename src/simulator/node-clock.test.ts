import { expect, it } from 'vitest';
import { NodeClock } from './node-clock.ts';
import { Timeline } from './timeline.ts';

const EPOCH = 1_000_000;

it('keeps what the monotonic clock has counted when its rate changes', async () => {
  const timeline = new Timeline();
  const clock = new NodeClock(timeline, EPOCH);
  await timeline.run(10_000, () => {});
  clock.setRate(0.5);
  expect(clock.monotonic).toBe(10_000);
  await timeline.run(20_000, () => {});
  expect(clock.monotonic).toBe(15_000);
  clock.setRate(2);
  await timeline.run(30_000, () => {});
  expect(clock.monotonic).toBe(35_000);
  expect(clock.wall).toBe(EPOCH + 35_000);
});

it('jumps on the wall alone', async () => {
  const timeline = new Timeline();
  const clock = new NodeClock(timeline, EPOCH);
  await timeline.run(1_000, () => {});
  clock.offsetMs -= 3_600_000;
  expect(clock.wall).toBe(EPOCH + 1_000 - 3_600_000);
  expect(clock.monotonic).toBe(1_000);
});

it.each([0.9, 1, 1.1])('is never early at rate %d', async (rate) => {
  const timeline = new Timeline();
  const clock = new NodeClock(timeline, EPOCH);
  await timeline.run(777, () => {});
  clock.setRate(rate);
  const began = clock.monotonic;
  await timeline.run(timeline.now + clock.trueMs(333), () => {});
  expect(clock.monotonic - began).toBeGreaterThanOrEqual(333);
});
