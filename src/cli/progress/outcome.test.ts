import { expect, test } from 'vitest';
import type { TrafficTotals } from '../../api/release.ts';
import { trafficTotals } from './outcome.ts';

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
