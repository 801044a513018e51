import { expect, test } from 'vitest';
import { releaseFixture, releaseStatus, T0 } from '../../../test/support/release-fixture.ts';
import type { TrafficTotals } from '../../api/release.ts';
import { EXIT } from '../exit-codes.ts';
import { outcomeLines, trafficTotals } from './outcome.ts';
import { endedCode } from './watch-release.ts';

const totals = (more: Partial<TrafficTotals>): TrafficTotals => ({
  requests: 66,
  failed: 0,
  failures: {},
  byVersion: {},
  ...more,
});

test.each<[string, TrafficTotals | null, string]>([
  ['nobody counted', null, 'Requests not measured.'],
  ['all is well', totals({ answered5xx: 0 }), '66 requests, 0 failed.'],
  [
    "the application's own 5xx are no failures and are said",
    totals({ answered5xx: 22 }),
    '66 requests, 0 failed; the application answered 22 with 5xx.',
  ],
  [
    'both',
    totals({ failed: 2, failures: { reset: 2, cut: 0 }, answered5xx: 1_200 }),
    '66 requests, 2 failed (2 reset); the application answered 1,200 with 5xx.',
  ],
  ['5xx were not counted', totals({}), '66 requests, 0 failed.'],
])('%s', (_, given, words) => {
  expect(trafficTotals(given)).toBe(words);
});

const R1 = { from: 'shop-local-r1', to: 'shop-local-r1' };
test.each<[string, object, string | null, string, string, number]>([
  [
    'by one that came while it was under way',
    {},
    'superseded by shop-local-r3',
    'Superseded: shop-local-r1 serves (superseded by shop-local-r3)',
    '↩ Superseded by shop-local-r3.',
    EXIT.notReleased,
  ],
  [
    'by one that came while it was queued',
    R1,
    'superseded by shop-local-r3 before it began',
    'Superseded: superseded by shop-local-r3 before it began',
    '↩ Superseded by shop-local-r3 before it began.',
    EXIT.notReleased,
  ],
  [
    'what is live was asked for',
    R1,
    'shop-local-r1 is live already',
    'Superseded: shop-local-r1 is live already',
    '✓ r1 serves already: there was nothing to release.',
    EXIT.ok,
  ],
  ['nobody says by what', {}, null, '', '↩ Superseded by a newer release of shop.', EXIT.notReleased],
])('superseded: %s', (_, spec, why, message, line, code) => {
  const release = releaseFixture(
    {
      phase: 'Superseded',
      turn: {
        ...{ cause: 'superseded', by: 'slipway', at: '', why },
        ...(why?.endsWith('is live already') === true ? { alreadyLive: true } : {}),
      },
      waiting: { ...releaseStatus().waiting, for: 'nothing', message },
    },
    spec,
  );
  expect(outcomeLines(release, T0)[0]).toBe(line);
  expect(endedCode(release)).toBe(code);
});
