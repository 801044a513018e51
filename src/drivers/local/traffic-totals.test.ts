import { describe, expect, it } from 'vitest';
import type { RouterStats } from '../../router/table.ts';
import { advance, NO_COUNTERS, totalsOf } from './traffic-totals.ts';

const stats = (bootId: string, version: string, requests: number, reset = 0, wrong = 0): RouterStats => ({
  bootId,
  startedAt: '2026-11-20T00:00:00.000Z',
  generation: 1,
  malformed: {},
  preview: [],
  versions: [
    {
      service: 's',
      version,
      requests,
      completed: requests - reset,
      statuses: { '2xx': requests - reset - wrong, ...(wrong === 0 ? {} : { '5xx': wrong }) },
      failed: { refused: 0, reset, cut: 0, noBackend: 0, timeout: 0 },
      clientGone: 0,
      inFlight: 0,
      latencyMs: {},
    },
  ],
});

describe('totals over the lives of a router', () => {
  it('follow one life', () => {
    const counters = advance(advance(NO_COUNTERS, stats('a', 'v1', 5)), stats('a', 'v1', 8, 1));
    expect(totalsOf(counters, 's')).toEqual({
      source: 'router',
      requests: 8,
      failed: 1,
      failures: { refused: 0, reset: 1, cut: 0, noBackend: 0, timeout: 0 },
      answered5xx: 0,
      byVersion: { v1: { requests: 8, failed: 1, answered5xx: 0 } },
    });
  });

  it.each([
    ['of one life', [stats('a', 'v1', 5, 1, 2)], 2],
    ['of two', [stats('a', 'v1', 5, 1, 2), stats('b', 'v1', 9, 0, 3)], 5],
    ['of none', [stats('a', 'v1', 5, 1)], 0],
  ])("count the application's own 5xx apart: %s", (_, read, wanted) => {
    const counters = read.reduce(advance, NO_COUNTERS);
    expect(totalsOf(counters, 's')).toMatchObject({
      answered5xx: wanted,
      byVersion: { v1: { answered5xx: wanted } },
    });
  });

  it('go on from what an older program saved', () => {
    const saved = { ...NO_COUNTERS, bootId: 'a', latest: { s: { v1: { requests: 5, failures: {} } } } };
    expect(totalsOf(advance(saved, stats('b', 'v1', 2, 0, 1)), 's')).toMatchObject({
      requests: 7,
      answered5xx: 1,
    });
  });

  it('add the last reading of a life that ended, and say that something may be missing', () => {
    let counters = advance(NO_COUNTERS, stats('a', 'v1', 5, 1));
    counters = advance(counters, stats('b', 'v1', 2));
    counters = advance(counters, stats('b', 'v2', 3));
    expect(totalsOf(counters, 's')).toMatchObject({
      requests: 8,
      failed: 1,
      byVersion: { v1: { requests: 5, failed: 1 }, v2: { requests: 3, failed: 0 } },
      gaps: 1,
    });
  });

  it('are 0 for a service that nobody asked', () => {
    expect(totalsOf(advance(NO_COUNTERS, stats('a', 'v1', 5)), 'other')).toMatchObject({
      requests: 0,
      failed: 0,
    });
  });
});
