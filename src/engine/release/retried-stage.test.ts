import { describe, expect, it } from 'vitest';
import { VirtualRelease } from '../../../test/support/virtual-release.ts';
import type { Instruction } from '../../api/plan.ts';
import type { StageStatus } from '../../api/release.ts';
import { leftOf, sumOfDrains } from './retried-stage.ts';

/** The third stage of a scaled release, whose order fails once so many of its instructions are done. */
function failing(done: number): VirtualRelease {
  const release = new VirtualRelease({ application: { policy: { onFailure: 'pause' } } });
  release.answer = ({ stage, sequence }) => (stage === 3 && sequence === 3 ? undefined : 'Succeeded');
  release.settle();
  const order = release.orders.at(-1);
  const execution = release.executions[order?.name ?? ''];
  if (order === undefined || execution === undefined) throw new Error('no order of stage 3');
  execution.instructions.forEach((each, index) => {
    each.state = index < done ? 'done' : 'failed';
    if (each.id.includes('drain')) each.evidence = { ms: 40, requests: 3, streams: 1, cut: 0 };
  });
  execution.phase = 'Failed';
  execution.failure = {
    reason: 'deadline',
    message: 'no progress',
    affects: '',
    next: '',
    instruction: null,
  };
  release.answer = () => undefined;
  return release.settle();
}

const instruction = (id: string, type: string, needs: readonly string[] = []): Instruction =>
  ({ id, type, needs, side: 'to', workload: 'web', replicas: { kind: 'full' } }) as unknown as Instruction;
const done = (...ids: string[]) =>
  ({ earlier: { done: { local: ids }, counted: {}, drain: null } }) as unknown as StageStatus;
const moves = [
  instruction('schema/run', 'runJob'),
  instruction('web/ensure-new.1', 'ensureWorkload', ['schema/run']),
  instruction('web/traffic.1', 'setTraffic', ['web/ensure-new.1']),
  instruction('web/drain-old.1', 'drain', ['web/traffic.1']),
  instruction('web/traffic.2a', 'setTraffic', ['web/drain-old.1']),
  instruction('web/ensure-new.2', 'ensureWorkload', ['web/traffic.2a']),
  instruction('web/traffic.2', 'setTraffic', ['web/ensure-new.2']),
];
const first = ['schema/run', 'web/ensure-new.1', 'web/traffic.1', 'web/drain-old.1'];

// Found by seed 5450 of the simulator: a retry began its stage anew and took down what all users were on.
describe('what a retry still has to order', () => {
  it.each<[string, StageStatus | undefined, string[]]>([
    ['all of it where nothing was tried', undefined, moves.map(({ id }) => id)],
    [
      'nothing of the moves that are done',
      done(...first),
      ['web/traffic.2a', 'web/ensure-new.2', 'web/traffic.2'],
    ],
    [
      'the move that failed as a whole, since what it stands on may have changed',
      done(...first, 'web/traffic.2a', 'web/ensure-new.2'),
      ['web/ensure-new.2', 'web/traffic.2'],
    ],
    [
      'and no job again that ended well',
      done('schema/run', 'web/ensure-new.1'),
      moves.map(({ id }) => id).slice(1),
    ],
    ['nothing where all of it is done', done(...moves.map(({ id }) => id)), []],
  ])('%s', (_, status, expected) => {
    const left = leftOf(moves, status, 'local');
    expect(left.map(({ id }) => id)).toEqual(expected);
    for (const { needs } of left) for (const need of needs) expect(expected).toContain(need);
  });

  it('takes nothing down for what it ensures, and does so in no other cluster', () => {
    const again = leftOf(moves, done(...first), 'local').filter(({ type }) => type === 'ensureWorkload');
    expect(again).toMatchObject([{ id: 'web/ensure-new.2', atLeast: true }]);
    expect(leftOf(moves, done(...first), 'other')).toEqual(moves);
  });
});

it('orders a stage of one move whole, and takes nothing down for it', () => {
  const release = failing(2);
  expect(release.status.phase).toBe('Paused');
  const before = release.orders.at(-1);
  expect(release.command('retry')?.state).toBe('done');
  release.settle();
  const again = release.orders.at(-1);
  expect(again?.name).not.toBe(before?.name);
  expect(again?.instructions.map(({ id }) => id)).toEqual(before?.instructions.map(({ id }) => id));
  for (const each of again?.instructions ?? [])
    if (each.type === 'ensureWorkload') expect(each).toHaveProperty('atLeast', true);
});

it('has all of it to do where nothing was done', () => {
  const release = failing(0);
  const before = release.orders.at(-1);
  release.command('retry');
  release.settle();
  expect(release.orders.at(-1)?.instructions).toEqual(before?.instructions);
});

it('ends well without another order where all of it was done', () => {
  const release = failing(99);
  const orders = release.orders.length;
  release.command('retry');
  expect(release.settle().status.phase).toBe('Succeeded');
  expect(release.orders).toHaveLength(orders);
});

it('keeps the figures of what an order had moved and drained before it failed', () => {
  const release = failing(99);
  const [flip, drain] = [release.status.stages[2]?.flip, release.status.stages[2]?.drain];
  expect(flip?.flipMs).toBe(0.3);
  expect(drain).toMatchObject({ ms: 40, requests: 3 });
  release.command('retry');
  release.settle();
  expect(release.status.stages[2]).toMatchObject({ flip, drain });
});

it('adds up what was drained before and since: the longest time, and all that was inside', () => {
  const before = { ms: 40, requests: 3, streams: 1, cut: 0 };
  const since = { ms: 25, requests: 2, streams: 0, cut: 1, killed: 1 };
  expect(sumOfDrains([before])).toEqual(before);
  expect(sumOfDrains([before, since])).toEqual({ ms: 40, requests: 5, streams: 1, cut: 1, killed: 1 });
});
