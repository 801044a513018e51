import { describe, expect, it } from 'vitest';
import { runControl, WAYS } from '../../demo/positive-control.ts';

/** If the harness could not see a bad release, its zeros would say nothing. */
describe('the harness that finds no failures', () => {
  it.each(WAYS)('judges a release done by "%s"', async (way) => {
    const outcome = await runControl(way, { rate: 200 });
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ ok: true });
    if (way === 'drain') expect(outcome.failed).toBe(0);
    else expect(outcome.failed).toBeGreaterThan(0);
  });
});
