import { describe, expect, it } from 'vitest';
import { coalesced } from './coalesce.ts';

describe('coalesced', () => {
  it('gives calls during a run the one run that follows', async () => {
    const gates: PromiseWithResolvers<number>[] = [];
    const call = coalesced(() => {
      const gate = Promise.withResolvers<number>();
      gates.push(gate);
      return gate.promise;
    });
    const first = call();
    const [second, third] = [call(), call()];
    expect(gates).toHaveLength(1);
    gates[0]?.resolve(1);
    expect(await first).toBe(1);
    const fourth = call();
    await Promise.resolve();
    expect(gates).toHaveLength(2);
    gates[1]?.resolve(2);
    expect(await Promise.all([second, third])).toEqual([2, 2]);
    // Called after the first run ended: covered by the second where that had not begun, else by a third.
    gates[2]?.resolve(3);
    expect(await fourth).toBeGreaterThanOrEqual(2);
  });

  it('never runs twice at a time, whatever the order of settling', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const call = coalesced(async () => {
      running += 1;
      runs += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      if (runs % 3 === 0) throw new Error('every third fails');
      return runs;
    });
    const calls: Promise<unknown>[] = [];
    for (let n = 0; n < 200; n += 1) {
      calls.push(call().catch(() => undefined));
      if (n % 3 === 0) await Promise.resolve();
      if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(calls);
    expect(most).toBe(1);
    expect(runs).toBeLessThanOrEqual(200);
  });

  it('passes a failure on to those of that run alone', async () => {
    let n = 0;
    const call = coalesced(async () => {
      n += 1;
      if (n === 1) throw new Error('first');
      return n;
    });
    const [first, second] = [call(), call()];
    await expect(first).rejects.toThrow('first');
    expect(await second).toBe(2);
  });
});
