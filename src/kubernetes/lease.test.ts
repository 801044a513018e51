import { describe, expect, it } from 'vitest';
import { type Fault, leaseWorld, lost } from '../../test/support/lease-world.ts';

/** Of which the holder has 10 s, and looks every 3 s. */
const DURATION = 15_000;
const HOUR = 3_600_000;

describe('a lease', () => {
  it('has one holder of two, who keeps it', async () => {
    const { clock, start, stored } = leaseWorld();
    const [a, b] = [start('a'), start('b')];
    await clock.sleep(HOUR);
    expect([a.led.length, b.led.length]).toEqual([1, 0]);
    expect(a.led[0]?.to).toBeUndefined();
    expect(stored()?.spec).toMatchObject({
      holderIdentity: 'a',
      leaseTransitions: 0,
      leaseDurationSeconds: 15,
    });
    a.stop();
    b.stop();
    await Promise.all([a.ended, b.ended]);
  });

  it('is given back at the end, so that the next need not wait', async () => {
    const { clock, start, stored } = leaseWorld();
    const a = start('a');
    await clock.sleep(1_000);
    const b = start('b');
    await clock.sleep(20_000);
    const stoppedAt = clock.monotonic();
    a.stop();
    await a.ended;
    expect(stored()?.spec?.holderIdentity).toBe('');
    await clock.sleep(5_000);
    expect((b.led[0]?.from ?? Number.NaN) - stoppedAt).toBeLessThan(4_600);
    expect(stored()?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    b.stop();
  });

  it.each<[string, number]>([
    ['', 0],
    [', however far behind the clock of its machine is', -HOUR],
    [', however far ahead the clock of its machine is', HOUR],
  ])('is taken over when the full time has passed since its last renewal%s', async (_, wallMs) => {
    const { clock, start, stored } = leaseWorld();
    let renewedAt = 0;
    let isGone = false;
    const fault: Fault = () => {
      if (isGone) return 'silence';
      renewedAt = clock.monotonic();
      return undefined;
    };
    const a = start('a', { fault });
    const b = start('b', { wallMs });
    await clock.sleep(60_000);
    isGone = true;
    await clock.sleep(60_000);
    const from = b.led[0]?.from ?? Number.NaN;
    expect(from - renewedAt).toBeGreaterThan(DURATION);
    expect(from - renewedAt).toBeLessThan(DURATION + 2 * 3_100);
    expect(stored()?.spec?.leaseTransitions).toBe(1);
    a.stop();
    b.stop();
  });

  it('of a process that ended without a word is waited for by the same one under its next name', async () => {
    const { clock, start } = leaseWorld();
    let isGone = false;
    const before = start('a-1', { fault: () => (isGone ? 'silence' : undefined) });
    await clock.sleep(10_000);
    isGone = true;
    before.stop();
    const startedAt = clock.monotonic();
    const after = start('a-2');
    await clock.sleep(60_000);
    expect((after.led[0]?.from ?? Number.NaN) - startedAt).toBeGreaterThan(DURATION);
    after.stop();
  });

  it('of one that is gone is taken over also where somebody writes other fields of it all the time', async () => {
    const { clock, start, touch } = leaseWorld();
    let isGone = false;
    start('a', { fault: () => (isGone ? 'silence' : undefined) }).ended.catch(() => undefined);
    const b = start('b');
    await clock.sleep(10_000);
    isGone = true;
    for (let n = 0; n < 30; n += 1) {
      touch();
      await clock.sleep(1_000);
    }
    expect(b.led).toHaveLength(1);
    b.stop();
  });

  it.each([500, 1_000, 2_000, 3_000])(
    'is kept while somebody writes other fields of it every %i ms',
    async (ms) => {
      const { clock, start, touch, stored } = leaseWorld();
      const [a, b] = [start('a'), start('b')];
      for (let n = 0; n < 100; n += 1) {
        await clock.sleep(ms);
        touch();
      }
      expect([a.led.length, a.led[0]?.to, b.led.length]).toEqual([1, undefined, 0]);
      a.stop();
      await a.ended;
      expect(stored()?.spec?.holderIdentity).toBe('');
      b.stop();
    },
  );
});

describe('a holder that cannot renew stops by two thirds of the time', () => {
  it.each<[string, Fault]>([
    ['where each renewal fails at once', () => lost],
    ['where no renewal is answered', () => 'silence'],
    ['where a renewal takes too long', () => ({ ms: 11_000 })],
    [
      'where another wrote and what it wrote cannot be read',
      (verb) => (verb === 'get' ? 'silence' : undefined),
    ],
  ])('%s', async (_, broken) => {
    const { clock, start, touch } = leaseWorld();
    let renewedAt = 0;
    let isBroken = false;
    const fault: Fault = (verb) => {
      if (isBroken) return broken(verb);
      renewedAt = clock.monotonic();
      return undefined;
    };
    const a = start('a', { fault });
    await clock.sleep(30_000);
    isBroken = true;
    touch();
    await clock.sleep(30_000);
    const to = a.led[0]?.to ?? Number.NaN;
    expect(to - renewedAt).toBeGreaterThan(5_000);
    expect(to - renewedAt).toBeLessThanOrEqual((DURATION * 2) / 3);
    a.stop();
  });

  it('and leads again when it can', async () => {
    const { clock, start } = leaseWorld();
    let isBroken = false;
    const a = start('a', { fault: () => (isBroken ? lost : undefined) });
    await clock.sleep(10_000);
    isBroken = true;
    await clock.sleep(20_000);
    isBroken = false;
    await clock.sleep(20_000);
    expect(a.led).toHaveLength(2);
    a.stop();
  });
});

describe('what is led', () => {
  it('does not begin where taking the lease took its time', async () => {
    const { clock, start } = leaseWorld();
    let writes = 0;
    const slow: Fault = (verb) => (verb !== 'get' && ++writes === 1 ? { ms: 12_000 } : undefined);
    const a = start('a', { fault: slow });
    await clock.sleep(12_005);
    expect(a.led).toEqual([]);
    await clock.sleep(10_000);
    expect(a.led).toHaveLength(1);
    a.stop();
  });

  it('does not begin where the process ends while it takes the lease, which is given back', async () => {
    const { clock, start, stored } = leaseWorld();
    const a = start('a', { fault: (verb) => (verb === 'create' ? { ms: 1_000 } : undefined) });
    await clock.sleep(700);
    a.stop();
    await a.ended;
    expect([a.led.length, stored()?.spec?.holderIdentity]).toEqual([0, '']);
  });

  it('may end by itself: the lease is given back and taken again', async () => {
    const { clock, start } = leaseWorld();
    const a = start('a', { lead: () => clock.sleep(1_000) });
    await clock.sleep(20_000);
    expect(a.led.length).toBeGreaterThan(2);
    expect(a.errors).toEqual([]);
    a.stop();
  });

  it.each<[string, Error]>([
    ['an error', new TypeError('of undefined')],
    ['an error that could be the lease’s own', lost],
  ])('may fail with %s, which is said, and begins again', async (_, error) => {
    const { clock, start } = leaseWorld();
    const a = start('a', { lead: () => Promise.reject(error) });
    await clock.sleep(10_000);
    expect(a.led.length).toBeGreaterThan(1);
    expect(a.errors).toHaveLength(a.led.length);
    a.stop();
    await a.ended;
  });

  it('is said to have failed by nobody where it ends with the reason of its signal', async () => {
    const { clock, start } = leaseWorld();
    const a = start('a', { lead: (signal) => clock.sleep(HOUR, signal) });
    await clock.sleep(1_000);
    a.stop();
    await a.ended;
    expect(a.errors).toEqual([]);
  });
});

it('a process ends within seconds also where the lease can no longer be given back', async () => {
  const { clock, start } = leaseWorld();
  let isGone = false;
  const a = start('a', { fault: () => (isGone ? 'silence' : undefined) });
  await clock.sleep(10_000);
  isGone = true;
  const stoppedAt = clock.monotonic();
  a.stop();
  await a.ended;
  expect(clock.monotonic() - stoppedAt).toBeLessThanOrEqual(3_000);
});

it('what was not given back in time is not given back later, when it is held anew', async () => {
  const { clock, start, touch, stored } = leaseWorld();
  let isLate = false;
  const fault: Fault = (verb) => {
    if (!isLate || verb !== 'get') return undefined;
    isLate = false;
    return { ms: 16_000 };
  };
  let turns = 0;
  const lead = async (signal: AbortSignal) => {
    turns += 1;
    if (turns > 1) return await clock.sleep(HOUR, signal);
    await clock.sleep(1_000);
    // The lease is written by another, and how it stands now is heard late.
    touch();
    isLate = true;
  };
  const a = start('a', { fault, lead });
  for (let n = 0; n < 300; n += 1) {
    await clock.sleep(100);
    if (a.led.length === 2) expect(stored()?.spec?.holderIdentity).toBe('a');
  }
  expect(a.led).toHaveLength(2);
  a.stop();
});
