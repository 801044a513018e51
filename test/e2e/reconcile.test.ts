import { describe, expect, it } from 'vitest';
import { reconcile } from '../../demo/reconcile.ts';
import type { Execution } from '../../src/api/execution.ts';
import type { RouterStats, VersionCounts } from '../../src/router/table.ts';

const SERVICE = 'default/shop/local/shop';

const counts = (change: Partial<VersionCounts>): VersionCounts => ({
  service: SERVICE,
  version: 'shop-r1',
  requests: 0,
  completed: 0,
  statuses: {},
  failed: { refused: 0, reset: 0, cut: 0, noBackend: 0, timeout: 0 },
  clientGone: 0,
  inFlight: 0,
  latencyMs: {},
  ...change,
});

const stats = (versions: readonly VersionCounts[], bootId = 'boot'): RouterStats => ({
  bootId,
  startedAt: '2026-11-20T00:00:00.000Z',
  generation: 1,
  malformed: {},
  versions,
  preview: [counts({ requests: 999, completed: 999 })],
});

const evidence = (...each: readonly Record<string, unknown>[]): Execution[] =>
  [{ status: { instructions: each.map((one) => ({ evidence: one })) } }] as unknown as Execution[];

const OWN = evidence(
  { when: 'before', instances: 6 },
  { when: 'after', requests: 15 },
  { proof: { when: 'after', requests: 2 }, proofs: { requests: 5, failed: 0 } },
  { prober: { total: 4, unfinished: 1 } },
);
const before = stats([counts({ requests: 10, completed: 10 })]);
const good = [
  counts({ requests: 65, completed: 63, clientGone: 2 }),
  counts({ version: 'shop-r2', requests: 70, completed: 70 }),
  counts({ service: 'default/other/local/other', requests: 5_000, completed: 1 }),
];

describe('reconcile', () => {
  const cases: ReadonlyArray<
    [name: string, after: RouterStats, clients: { started: number; failed: number }, says: RegExp | null]
  > = [
    ['every request is in both books', stats(good), { started: 100, failed: 0 }, null],
    [
      'one of the clients never came',
      stats(good),
      { started: 101, failed: 0 },
      /counted 125 requests, and 101 of/,
    ],
    [
      'one was counted twice',
      stats(good),
      { started: 99, failed: 0 },
      /99 of clients \+ 20 proofs \+ 5 probes/,
    ],
    [
      'only the clients saw a failure',
      stats(good),
      { started: 100, failed: 1 },
      /router saw 0 failures, the clients 1/,
    ],
    [
      'only the router saw a failure',
      stats([{ ...counts({ requests: 135, completed: 134 }), failed: { ...counts({}).failed, cut: 1 } }]),
      { started: 100, failed: 0 },
      /router saw 1 failures, the clients 0/,
    ],
    ['the router was started again', stats(good, 'another'), { started: 100, failed: 0 }, /started again/],
    [
      'something is still inside',
      stats([counts({ requests: 135, completed: 134, inFlight: 1 })]),
      { started: 100, failed: 0 },
      /1 requests are still inside/,
    ],
    [
      'the router lost one of its own',
      stats([counts({ requests: 135, completed: 134 })]),
      { started: 100, failed: 0 },
      /134 settled and 0 inside/,
    ],
  ];
  it.each(cases)('%s', (_name, after, clients, says) => {
    const result = reconcile({ service: SERVICE, before, after, clients, executions: OWN });
    expect(result.ok).toBe(says === null);
    if (says !== null) expect(result.differences.join('; ')).toMatch(says);
  });
});
