import { describe, expect, it } from 'vitest';
import { admit, type FenceView, type OrderIdentity, overtakes, type Position, raise } from './fence.ts';

const order = (epoch: number, sequence: number, more: Partial<OrderIdentity> = {}): OrderIdentity => ({
  execution: `shop-r2-e${epoch}-s${sequence}`,
  uid: `uid-${epoch}-${sequence}`,
  subject: 'release/default/shop-r2',
  epoch,
  sequence,
  asksOnly: false,
  ...more,
});
const view = (highest: Position | undefined, more: Partial<FenceView> = {}): FenceView => ({
  highest,
  held: undefined,
  unfinished: [],
  ...more,
});

describe('admit', () => {
  const cases: [string, OrderIdentity, FenceView, RegExp | 'new' | 'repeat'][] = [
    ['the first of a subject', order(1, 1), view(undefined), 'new'],
    ['the next step', order(1, 2), view({ epoch: 1, sequence: 1 }), 'new'],
    ['a higher epoch begins anywhere', order(2, 1), view({ epoch: 1, sequence: 7 }), 'new'],
    [
      'a higher epoch does not wait for a lower one',
      order(2, 1),
      view({ epoch: 1, sequence: 1 }, { unfinished: [order(1, 1)] }),
      'new',
    ],
    ['the same again', order(1, 1), view({ epoch: 1, sequence: 1 }, { held: order(1, 1) }), 'repeat'],
    [
      'the same again, although newer ones were taken',
      order(1, 1),
      view({ epoch: 3, sequence: 1 }, { held: order(1, 1) }),
      'repeat',
    ],
    ['a lower epoch', order(1, 9), view({ epoch: 2, sequence: 1 }), /epoch 1 is older than 2 .*INV-12/],
    ['a step that is over and forgotten', order(2, 1), view({ epoch: 2, sequence: 1 }), /step 1 .* is over/],
    ['an earlier step', order(2, 1), view({ epoch: 2, sequence: 3 }), /is over; .* is at step 3/],
    [
      'a step before the last one has ended',
      order(1, 2),
      view({ epoch: 1, sequence: 1 }, { unfinished: [order(1, 1)] }),
      /step 1 .* has not ended \(INV-15\)/,
    ],
    [
      'a step after a gate that a person skipped',
      order(1, 2),
      view({ epoch: 1, sequence: 1 }, { unfinished: [order(1, 1, { asksOnly: true })] }),
      'new',
    ],
    [
      'another object under a held name',
      order(1, 1, { uid: 'other' }),
      view({ epoch: 1, sequence: 1 }, { held: order(1, 1) }),
      /another order named shop-r2-e1-s1 is held/,
    ],
    [
      'a held name at another position',
      order(2, 1, { execution: 'shop-r2-e1-s1', uid: 'uid-1-1' }),
      view({ epoch: 1, sequence: 1 }, { held: order(1, 1) }),
      /another order/,
    ],
  ];
  it.each(cases)('%s', (_, candidate, state, expected) => {
    const admission = admit(candidate, state);
    if (typeof expected === 'string') expect(admission.kind).toBe(expected);
    else expect(admission).toEqual({ kind: 'refused', reason: expect.stringMatching(expected) });
  });
});

describe('overtakes', () => {
  it.each([
    ['a lower epoch', order(1, 9), true],
    ['itself', order(2, 1), false],
    ['an earlier step', order(2, 0), false],
    ['gates that are still asked', order(2, 0, { asksOnly: true }), true],
    ['later gates', order(2, 5, { asksOnly: true }), false],
    ['a higher epoch', order(3, 0), false],
  ])('%s', (_, older, expected) => expect(overtakes({ epoch: 2, sequence: 1 }, older)).toBe(expected));
});

describe('raise', () => {
  it.each([
    ['an unknown subject', undefined, 3, { epoch: 3, sequence: -1 }],
    ['a lower one', { epoch: 2, sequence: 9 }, 3, { epoch: 3, sequence: -1 }],
    ['never lowers', { epoch: 4, sequence: 1 }, 3, undefined],
    ['leaves the epoch itself as it is', { epoch: 3, sequence: 2 }, 3, undefined],
  ])('%s', (_, highest, below, expected) => expect(raise(highest, below)).toEqual(expected));

  it('lets the epoch itself begin at any step', () =>
    expect(admit(order(3, 0), view(raise(undefined, 3))).kind).toBe('new'));
});
