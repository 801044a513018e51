import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { silentLog } from '../lib/log.ts';
import { WorkQueue } from './work-queue.ts';

/** Runs a queue for so long in virtual time. */
async function reconciles(
  ms: number,
  reconcile: (now: number, count: number) => { wakeAt?: number | null },
): Promise<number> {
  const clock = autoClock();
  let count = 0;
  const queue = new WorkQueue({
    clock,
    log: silentLog,
    reconcile: async () => {
      count += 1;
      return reconcile(clock.now(), count);
    },
  });
  queue.add('key');
  await clock.sleep(ms);
  await queue.stop();
  return count;
}

describe('a work queue', () => {
  it('looks once when nothing is said of the future', async () => {
    expect(await reconciles(1_000, () => ({}))).toBe(1);
  });

  it('looks again at the time that was named', async () => {
    expect(await reconciles(1_000, (now, count) => ({ wakeAt: count === 1 ? now + 500 : null }))).toBe(2);
  });

  it('does not go round and round for a time that is over', async () => {
    expect(await reconciles(1_000, (now) => ({ wakeAt: now - 60_000 }))).toBeLessThanOrEqual(201);
  });
});
