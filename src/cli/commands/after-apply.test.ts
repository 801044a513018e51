import { expect, test } from 'vitest';
import { begun, type LookedAt } from './after-apply.ts';

const lookedAt = (of: {
  release?: 'auto' | 'manual';
  reason?: string;
  message?: string;
  track?: Record<string, unknown>;
}): LookedAt => ({
  application: {
    metadata: { name: 'shop' },
    spec: { release: of.release ?? 'auto' },
    status: {
      conditions: [{ type: 'staging/Ready', reason: of.reason ?? 'Serving', message: of.message ?? '' }],
    },
  } as unknown as LookedAt['application'],
  track:
    of.track === undefined
      ? undefined
      : ({
          status: { active: null, queue: [], live: null, hold: null, ...of.track },
        } as unknown as LookedAt['track']),
  environment: 'staging',
});
const active = { release: 'shop-staging-r2' };

test.each<[string, LookedAt, string[]]>([
  [
    'begins',
    lookedAt({ track: { active } }),
    ['  release shop-staging-r2 begins', '  slipway describe release/shop-staging-r2 --watch'],
  ],
  [
    'is queued',
    lookedAt({ track: { active, queue: [{ release: 'shop-staging-r3' }] } }),
    [
      '  release shop-staging-r3 is queued behind shop-staging-r2',
      '  slipway describe release/shop-staging-r3 --watch',
    ],
  ],
  [
    'supersedes',
    lookedAt({ track: { active, queue: [{ release: 'shop-staging-r3', supersedes: true }] } }),
    [
      '  release shop-staging-r3 supersedes shop-staging-r2',
      '  slipway describe release/shop-staging-r3 --watch',
    ],
  ],
  [
    'waits for an approval',
    lookedAt({ reason: 'WaitingForApproval', message: 'r1 serves; change abc waits', track: { live: 'r1' } }),
    ['  no release, and nothing changes yet: r1 serves; change abc waits'],
  ],
  [
    'is refused',
    lookedAt({ reason: 'Refused', message: 'no such secret', track: { live: 'shop-staging-r1' } }),
    ['  nothing is released: no such secret'],
  ],
  [
    'is held',
    lookedAt({ track: { live: 'shop-staging-r1', hold: { by: 'dana' } } }),
    ['  nothing is released: a rollback by dana holds its releases', '  slipway release shop --watch'],
  ],
  [
    'is manual',
    lookedAt({ release: 'manual', track: { live: 'shop-staging-r1' } }),
    ['  nothing is released: its releases are manual', '  slipway release shop --watch'],
  ],
  [
    'changes nothing that runs',
    lookedAt({ track: { live: 'shop-staging-r1' } }),
    ['  no release: what runs stays r1; the rest applies in place'],
  ],
  ['was not made by anybody yet', lookedAt({}), ['  slipway release shop --watch']],
])('what apply sets going: %s', (_, input, expected) => {
  expect(begun(input)).toEqual(expected);
});
