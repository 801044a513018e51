import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { Lease } from './lease.ts';

describe('the lease (INV-23)', () => {
  it('does not hold before the first welcome', () => {
    const lease = new Lease(autoClock());
    lease.renew();
    expect(lease.holds).toBe(false);
  });

  it('holds for as long as the manager said, and longer with every frame', async () => {
    const clock = autoClock();
    const lease = new Lease(clock);
    lease.begin(1_000);
    await clock.sleep(900);
    expect(lease.holds).toBe(true);
    lease.renew();
    await clock.sleep(900);
    expect(lease.holds).toBe(true);
    await clock.sleep(100);
    expect(lease.holds).toBe(false);
  });

  it('lets those who wait go on with the next frame', async () => {
    const clock = autoClock();
    const lease = new Lease(clock);
    const waiting = lease.held(new AbortController().signal);
    clock.setTimer(50, () => lease.begin(1_000));
    await waiting;
    expect(clock.monotonic()).toBe(50);
  });

  it('lets them go when they are cancelled', async () => {
    const control = new AbortController();
    const waiting = new Lease(autoClock()).held(control.signal);
    control.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
  });
});
