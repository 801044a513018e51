import { expect, it } from 'vitest';
import { VirtualRelease } from '../../../test/support/virtual-release.ts';

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

// Found by seed 5450 of the simulator: a retry began its stage anew and took down what all users were on.
it('goes on behind what is done, and needs nothing of it again', () => {
  const release = failing(2);
  expect(release.status.phase).toBe('Paused');
  const before = release.orders.at(-1);
  expect(release.command('retry')?.state).toBe('done');
  release.settle();
  const again = release.orders.at(-1);
  expect(again?.name).not.toBe(before?.name);
  expect(again?.instructions.map(({ id }) => id)).toEqual(before?.instructions.slice(2).map(({ id }) => id));
  const ids = new Set(again?.instructions.map(({ id }) => id));
  for (const { needs } of again?.instructions ?? []) for (const need of needs) expect(ids).toContain(need);
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
