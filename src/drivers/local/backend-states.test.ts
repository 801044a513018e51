import { describe, expect, it } from 'vitest';
import { backendStates, type Candidate } from './backend-states.ts';

const one = (
  id: string,
  state: Candidate['state'],
  proven: boolean,
  lastReadyAt: number | null = 1_000,
): Candidate => ({
  id,
  state,
  proven,
  lastReadyAt,
});

describe('backendStates', () => {
  const cases: [name: string, candidates: Candidate[], states: Record<string, string>, leastBad: string[]][] =
    [
      ['what starts is in preview', [one('a', 'starting', false, null)], { a: 'preview' }, []],
      ['ready without proof stays in preview (INV-1)', [one('a', 'ready', false)], { a: 'preview' }, []],
      ['ready and proven serves', [one('a', 'ready', true)], { a: 'serving' }, []],
      ['what retires is drained', [one('a', 'retiring', true)], { a: 'draining' }, []],
      ['what has ended is gone', [one('a', 'exited', true)], {}, []],
      [
        'one that lost its readiness leaves while another is good',
        [one('a', 'notReady', true), one('b', 'ready', true)],
        { a: 'preview', b: 'serving' },
        [],
      ],
      [
        'all that lost it together stay, when none is good (INV-7)',
        [one('a', 'notReady', true, 50_000), one('b', 'notReady', true, 60_000)],
        { a: 'serving', b: 'serving' },
        ['a', 'b'],
      ],
      [
        'one that was broken long before the others stays out',
        [one('a', 'notReady', true, 1_000), one('b', 'notReady', true, 60_000)],
        { a: 'preview', b: 'serving' },
        ['b'],
      ],
      [
        'an unproven one is no reason to take the last one out',
        [one('a', 'notReady', true), one('b', 'ready', false)],
        { a: 'serving', b: 'preview' },
        ['a'],
      ],
      ['one that was never proven is never kept', [one('a', 'notReady', false)], { a: 'preview' }, []],
    ];
  it.each(cases)('%s', (_name, candidates, states, leastBad) => {
    const got = backendStates(candidates);
    expect(Object.fromEntries(got.states)).toEqual(states);
    expect(got.leastBad).toEqual(leastBad);
  });
});
