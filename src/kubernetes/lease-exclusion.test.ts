import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Fault, leaseWorld, lost } from '../../test/support/lease-world.ts';

const HOUR = 3_600_000;
const trouble = fc.record({
  forMs: fc.integer({ min: 100, max: 25_000 }),
  what: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    fc.constantFrom<ReturnType<Fault>>(lost, 'silence', 'unanswered'),
    fc.record({ ms: fc.integer({ min: 1, max: 16_000 }) }),
  ),
});
const candidate = fc.record({
  troubles: fc.array(trouble, { minLength: 1, maxLength: 12 }),
  wallMs: fc.integer({ min: -HOUR, max: HOUR }),
  /** How long it leads before it ends by itself. */
  leadMs: fc.integer({ min: 1_000, max: 200_000 }),
});
type Candidate = typeof candidate extends fc.Arbitrary<infer T> ? T : never;

it('never two lead at the same time, whatever becomes of their requests', async () => {
  let times = 0;
  const run = async (candidates: readonly Candidate[], touchMs: number) => {
    const { clock, start, touch } = leaseWorld();
    const all = candidates.map(({ troubles, wallMs, leadMs }, index) => {
      const fault: Fault = () => {
        let left = clock.monotonic();
        for (const { forMs, what } of troubles) {
          if (left < forMs) return what;
          left -= forMs;
        }
        // After its troubles everything goes well.
        return undefined;
      };
      const lead = (signal: AbortSignal) => clock.sleep(leadMs, signal).catch(() => undefined);
      return start(`c${index}`, { fault, wallMs, lead });
    });
    for (let n = 0; n * touchMs < 200_000; n += 1) {
      await clock.sleep(touchMs);
      touch();
    }
    for (const each of all) each.stop();
    await Promise.all(all.map(({ ended }) => ended));
    const led = all.flatMap((each) => each.led).sort((a, b) => a.from - b.from);
    times += led.length;
    for (const [index, { from }] of led.entries())
      expect(from).toBeGreaterThanOrEqual(led[index - 1]?.to ?? (index === 0 ? 0 : Number.NaN));
  };
  const many = fc.array(candidate, { minLength: 2, maxLength: 3 });
  await fc.assert(fc.asyncProperty(many, fc.integer({ min: 700, max: 60_000 }), run), { numRuns: 100 });
  expect(times).toBeGreaterThan(200);
});
