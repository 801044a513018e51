import { describe, expect, it } from 'vitest';
import { VirtualRelease } from '../../../test/support/virtual-release.ts';
import type { ExecutionStatus } from '../../api/execution.ts';
import type { TrafficTotals } from '../../api/release.ts';
import { latestTraffic } from './failed-requests.ts';

const totals = (byVersion: Record<string, number>): TrafficTotals => {
  const failed = Object.values(byVersion).reduce((sum, n) => sum + n, 0);
  return {
    requests: 100,
    failed,
    failures: { reset: failed },
    byVersion: Object.fromEntries(
      Object.entries(byVersion).map(([v, n]) => [v, { requests: 50, failed: n }]),
    ),
  };
};
const runningIn = (stage: number, more: Record<string, unknown> = {}) => {
  const release = new VirtualRelease(more);
  release.answer = (order) => (order.stage === stage && order.epoch === 1 ? undefined : 'Succeeded');
  return release.settle();
};
/** The flip's instruction in the execution under way. */
const flipOf = (release: VirtualRelease) => {
  const execution = release.executions[release.orders.at(-1)?.name ?? ''];
  const flip = execution?.instructions.find((i) => i.id.includes('/traffic'));
  if (flip === undefined) throw new Error('no flip');
  return flip;
};

describe('whose failures they are', () => {
  it('a request that no instance could answer before the flip is the old version’s (peers.md row 5)', () => {
    const release = runningIn(1);
    release.traffic(totals({ '': 9, 'shop-r1': 3 }));
    expect(release.settle().status.direction).toBe('forward');
  });

  it('what the old version fails until the flip is done blocks its replacement as little', () => {
    const release = runningIn(2);
    flipOf(release).startedAt = '2026-11-20T12:00:00.000Z';
    release.traffic(totals({ '': 9, 'shop-r1': 3 }));
    expect(release.settle().status.flipped).toBe(true);
    expect(release.status.direction).toBe('forward');
    flipOf(release).state = 'done';
    release.settle();
    release.traffic(totals({ '': 9, 'shop-r1': 4 }));
    expect(release.settle().status.phase).toBe('RolledBack');
  });

  it('a failure of the new version while the flip runs counts at once', () => {
    const release = runningIn(2);
    flipOf(release).startedAt = '2026-11-20T12:00:00.000Z';
    release.traffic(totals({ 'shop-r2': 1 }));
    expect(release.settle().status.phase).toBe('RolledBack');
  });

  it('a flip that was cancelled before it began is no flip', () => {
    const release = new VirtualRelease({
      strategy: { custom: { pause: [], percentages: [50, 100], beta: false } },
      application: { policy: { onFailure: 'pause' } },
    });
    release.decide();
    const execution = release.executions[release.orders[0]?.name ?? ''];
    if (execution === undefined) throw new Error('no execution');
    for (const each of execution.instructions) each.state = 'cancelled';
    execution.phase = 'Failed';
    expect(release.settle().status.flipped).toBe(false);
  });
});

describe('policy pause', () => {
  const pause = { application: { policy: { onFailedRequest: 'pause' } } };

  it('what a person accepted is accepted, and the next failure stops it again', () => {
    const release = runningIn(1, pause);
    release.traffic(totals({ 'shop-r1': 7 }));
    release.settle();
    release.answer = (order) => (order.stage === 2 ? undefined : 'Succeeded');
    release.settle();
    flipOf(release).state = 'done';
    release.settle();
    release.traffic(totals({ 'shop-r1': 7, 'shop-r2': 1 }));
    expect(release.settle().status.pause?.reason).toBe('failure');
    expect(release.command('retry')?.state).toBe('done');
    expect(release.settle().status.pause).toBeNull();
    release.traffic(totals({ 'shop-r1': 7, 'shop-r2': 2 }));
    expect(release.settle().status.pause?.reason).toBe('failure');
  });

  it('going on does not give the order under way a second time', () => {
    const release = runningIn(2, pause);
    const orders = release.orders.length;
    flipOf(release).state = 'done';
    release.settle();
    release.traffic(totals({ 'shop-r2': 1 }));
    release.settle();
    release.command('retry');
    release.settle();
    expect(release.orders).toHaveLength(orders);
    release.answer = () => 'Succeeded';
    expect(release.settle().status.phase).toBe('Succeeded');
  });

  it('at a pause of the plan it is a failure that waits, and promote alone does not pass it', () => {
    const release = new VirtualRelease({
      ...pause,
      strategy: { blueGreen: { pause: [2], retention: { time: '30m', count: 1 } } },
    }).settle();
    expect(release.status.pause?.reason).toBe('plan');
    release.traffic(totals({ 'shop-r2': 1 }));
    release.settle();
    expect(release.status.waiting.message).toContain('1 of 100 requests failed');
    expect(release.command('promote')?.state).toBe('refused');
    release.command('retry');
    release.settle();
    expect(release.command('promote')?.state).toBe('done');
    expect(release.settle().status.phase).toBe('Succeeded');
  });
});

describe('latestTraffic', () => {
  const execution = (requests: number): ExecutionStatus => ({
    phase: 'Running',
    instructions: [],
    failure: null,
    traffic: { requests, failed: 0, failures: {}, byVersion: {} },
    acceptedAt: null,
    endedAt: null,
  });
  const input = (name: string, clusters: string[], executions: Record<string, ExecutionStatus>) =>
    ({
      ...new VirtualRelease(),
      name,
      spec: { ...new VirtualRelease().spec, clusters },
      executions,
    }) as never;

  it.each([
    ['one cluster: the newest', 'r2', ['a'], { 'r2-e1-s1': execution(5), 'r2-e1-s2': execution(8) }, 8],
    [
      'several: gates are asked in the first, and it is not counted twice',
      'r2',
      ['a', 'b'],
      { 'r2-e1-s1-a': execution(5), 'r2-e1-s1-b': execution(7), 'r2-e1-s2': execution(6) },
      13,
    ],
    [
      'names that look like steps',
      'x-e1-s9-r2',
      ['a'],
      { 'x-e1-s9-r2-e1-s1': execution(5), 'x-e1-s9-r2-e1-s2': execution(8) },
      8,
    ],
  ])('%s', (_, name, clusters, executions, requests) =>
    expect(latestTraffic(input(name, clusters, executions as never))?.requests).toBe(requests),
  );

  it.each([
    ['of both clusters', 2, 3, 5],
    ['not where one does not count them', 2, undefined, undefined],
  ])("counts the application's own 5xx %s", (_, a, b, wanted) => {
    const counted = (answered5xx: number | undefined) => {
      const of = { requests: 5, failed: 0, ...(answered5xx === undefined ? {} : { answered5xx }) };
      return { ...execution(5), traffic: { ...of, failures: {}, byVersion: { v: of } } };
    };
    const traffic = latestTraffic(
      input('r2', ['a', 'b'], { 'r2-e1-s1-a': counted(a), 'r2-e1-s1-b': counted(b) } as never),
    );
    expect(traffic?.answered5xx).toBe(wanted);
    expect(traffic?.byVersion.v?.answered5xx).toBe(wanted);
  });
});
