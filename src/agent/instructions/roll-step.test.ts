import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RollState, rollStep } from './roll-step.ts';

const state = (more: Partial<RollState>): RollState => ({
  full: 10,
  fullOld: 10,
  surge: 2,
  unavailable: 0,
  newWanted: 0,
  newReady: 0,
  oldWanted: 10,
  ...more,
});

describe('rollStep', () => {
  it.each([
    ['grows by the surge', {}, { do: 'grow', to: 2 }],
    ['waits for them', { newWanted: 2 }, { do: 'wait' }],
    ['then shrinks by as many', { newWanted: 2, newReady: 2 }, { do: 'shrink', to: 8 }],
    ['and grows again', { newWanted: 2, newReady: 2, oldWanted: 8 }, { do: 'grow', to: 4 }],
    ['shrinks first where it may', { surge: 0, unavailable: 3 }, { do: 'shrink', to: 7 }],
    ['has no room', { surge: 0 }, { do: 'stuck' }],
    ['all at once', { surge: 10 }, { do: 'grow', to: 10 }],
    ['done', { newWanted: 10, newReady: 10, oldWanted: 0 }, { do: 'done' }],
    ['from nothing', { oldWanted: 0 }, { do: 'grow', to: 10 }],
    ['a larger new side grows within its own size', { fullOld: 4, oldWanted: 4 }, { do: 'grow', to: 8 }],
    [
      'a smaller new side is whole with its own',
      { full: 3, newWanted: 3, newReady: 3 },
      { do: 'shrink', to: 0 },
    ],
    [
      'and until then the old one keeps its own',
      { full: 3, newWanted: 2, newReady: 2 },
      { do: 'shrink', to: 8 },
    ],
  ] as const)('%s', (_, more, expected) => expect(rollStep(state(more))).toEqual(expected));

  it('keeps floor and ceiling on the whole way, and gets there (INV-7)', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.option(fc.integer({ min: 1, max: 60 })),
        fc.nat(60),
        fc.nat(60),
        fc.boolean(),
        (full, other, surge, unavailableWish, slowly) => {
          const fullOld = other ?? full;
          const most = Math.max(full, fullOld);
          const unavailable = Math.min(full, surge === 0 ? Math.max(1, unavailableWish) : unavailableWish);
          const start = { full, fullOld, surge, unavailable };
          let now: RollState = { ...start, newWanted: 0, newReady: 0, oldWanted: fullOld };
          for (let round = 0; round < 1_000; round += 1) {
            const step = rollStep(now);
            if (step.do === 'done') {
              expect(now).toMatchObject({ newReady: full, oldWanted: 0 });
              return;
            }
            if (step.do === 'grow') now = { ...now, newWanted: step.to };
            else if (step.do === 'shrink') now = { ...now, oldWanted: step.to };
            else if (step.do === 'wait')
              now = { ...now, newReady: slowly ? now.newReady + 1 : now.newWanted };
            else throw new Error('stuck');
            expect(now.newWanted + now.oldWanted).toBeLessThanOrEqual(most + surge);
            const strength = now.newReady / full + now.oldWanted / fullOld;
            expect(strength).toBeGreaterThanOrEqual(1 - unavailable / most - 1e-9);
          }
          throw new Error('never done');
        },
      ),
    ));
});
