import { expect, it } from 'vitest';
import { Allowance } from './allowance.ts';

it('allows so many a window and begins anew after it', () => {
  const allowance = new Allowance(2, 100);
  expect([0, 10, 20, 99].map((now) => allowance.admit(now))).toEqual([true, true, false, false]);
  expect([100, 150, 199, 200].map((now) => allowance.admit(now))).toEqual([true, true, false, true]);
});
