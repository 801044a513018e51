import { describe, expect, it } from 'vitest';
import { VirtualRelease } from '../../../test/support/virtual-release.ts';
import type { TrafficTotals } from '../../api/release.ts';

type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Failures by version and cause; `own` are those that instances brought about by themselves. */
function totals(failures: Counts, own: Counts = {}, requests = 100): TrafficTotals {
  const causes: Record<string, number> = {};
  const byVersion: TrafficTotals['byVersion'] = {};
  for (const [version, by] of Object.entries(failures)) {
    const failed = Object.values(by).reduce((sum, n) => sum + n, 0);
    for (const [cause, n] of Object.entries(by)) causes[cause] = (causes[cause] ?? 0) + n;
    byVersion[version] = { requests: 50, failed, failures: { ...by }, byItself: { ...own[version] } };
  }
  return {
    requests,
    failed: Object.values(causes).reduce((sum, n) => sum + n, 0),
    failures: causes,
    byVersion,
  };
}

/** At the stage of the first flip, with everything before it done. */
function atTheFlip(strategy: Record<string, unknown> = { scaled: {} }): VirtualRelease {
  const release = new VirtualRelease({ strategy: strategy as never });
  release.answer = (order) =>
    order.epoch === 1 &&
    order.instructions.some(({ type }) => type === 'setTraffic' || type === 'rollWorkload')
      ? undefined
      : 'Succeeded';
  return release.settle();
}
function flip(
  release: VirtualRelease,
  counted: TrafficTotals | null,
  state: 'done' | 'running' = 'done',
): void {
  const execution = release.executions[release.orders.at(-1)?.name ?? ''];
  const write = execution?.instructions.find(({ id }) => /\/(traffic|roll)/.test(id));
  if (write === undefined) throw new Error('no flip');
  Object.assign(write, { state, evidence: { ...write.evidence, counted } });
}

/** The old version crash-loops: 7 requests found nobody before the flip, 3 were inside what fell over. */
const BEFORE = totals({ '': { noBackend: 7 }, 'shop-r1': { reset: 3 } }, { 'shop-r1': { reset: 3 } });

const AFTER: [what: string, counts: TrafficTotals, words: string | null][] = [
  ['nothing more', BEFORE, null],
  [
    'a crash of the old version while traffic is mixed',
    totals({ '': { noBackend: 7 }, 'shop-r1': { reset: 9 } }, { 'shop-r1': { reset: 9 } }),
    null,
  ],
  [
    'one that the old version cut while it was being ended',
    totals({ '': { noBackend: 7 }, 'shop-r1': { reset: 4 } }, { 'shop-r1': { reset: 3 } }),
    '1 of 100 requests failed since it began (1 reset); 10 more failed and not by its doing; one was still inside',
  ],
  [
    'one that was refused as the old version drained',
    totals({ '': { noBackend: 7 }, 'shop-r1': { reset: 3, refused: 1 } }, { 'shop-r1': { reset: 3 } }),
    '1 of 100 requests failed since it began (1 refused); 10 more',
  ],
  [
    'one that nobody answers although the new version is in',
    totals({ '': { noBackend: 8 }, 'shop-r1': { reset: 3 } }, { 'shop-r1': { reset: 3 } }),
    '1 of 100 requests failed since it began (1 noBackend); 10 more',
  ],
  [
    'one of the new version, whoever brought it about',
    totals(
      { '': { noBackend: 7 }, 'shop-r1': { reset: 3 }, 'shop-r2': { reset: 1 } },
      { 'shop-r1': { reset: 3 }, 'shop-r2': { reset: 1 } },
    ),
    '1 of 100 requests failed since it began (1 reset); 10 more',
  ],
];

describe('after the first flip', () => {
  it.each(AFTER)('%s', (_, counts, words) => {
    const release = atTheFlip();
    // The newest report from before the flip is older than the flip: what failed between stands in its evidence.
    release.traffic(totals({ '': { noBackend: 5 } }));
    release.settle();
    flip(release, BEFORE);
    release.traffic(counts);
    release.settle();
    if (words === null) expect(release.status.direction).toBe('forward');
    else {
      expect(release.status.phase).toBe('RolledBack');
      expect(release.status.failure?.message).toContain(words);
    }
  });

  it('without a reading at the flip, it counts from the report that brings it', () => {
    const release = atTheFlip();
    flip(release, null);
    release.traffic(totals({ '': { noBackend: 7 } }));
    expect(release.settle().status.direction).toBe('forward');
    release.traffic(totals({ '': { noBackend: 8 } }));
    expect(release.settle().status.phase).toBe('RolledBack');
  });

  it('what stood at the flip stays, also when the reports of its stage are no longer looked at', () => {
    const release = atTheFlip();
    flip(release, BEFORE);
    release.traffic(BEFORE);
    release.settle();
    release.answer = (order) => (order.stage === 3 && order.epoch === 1 ? undefined : 'Succeeded');
    release.settle();
    release.traffic(totals({ '': { noBackend: 8 }, 'shop-r1': { reset: 3 } }, { 'shop-r1': { reset: 3 } }));
    expect(release.settle().status.phase).toBe('RolledBack');
  });

  it('a rolling update counts from its first flip on, while it still goes on', () => {
    const release = atTheFlip({ rolling: {} });
    flip(release, BEFORE, 'running');
    release.traffic(BEFORE);
    expect(release.settle().status.direction).toBe('forward');
    release.traffic(totals({ '': { noBackend: 7 }, 'shop-r1': { reset: 4 } }, { 'shop-r1': { reset: 3 } }));
    expect(release.settle().status.phase).toBe('RolledBack');
  });
});
