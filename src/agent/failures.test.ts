import { describe, expect, it } from 'vitest';
import {
  executionSpec,
  FULL,
  pinned,
  revision,
  SERVICE,
  shiftInstructions,
  ZERO,
} from '../../test/support/execution-orders.ts';
import { clock, cluster, first, problem, run, shift } from '../../test/support/execution-run.ts';
import type { ExecutionSpec } from '../api/execution.ts';
import type { Instruction } from '../api/plan.ts';
import { SlipwayError } from '../lib/errors.ts';

describe('failures say what happened, whom it hurts, and what to do', () => {
  const cases: [string, () => void, Partial<ExecutionSpec>, Record<string, RegExp | string>][] = [
    [
      'a crash loop',
      () => cluster.behave('shop-r2', { startMs: Number.POSITIVE_INFINITY, problem: problem(true) }),
      {},
      {
        reason: 'crashLoop',
        instruction: 'ready',
        message: /shop-r2 cannot start in local \(0 of 4 ready\): it ended with code 1 .*no config/,
        affects: 'Users are not affected: shop-r1 serves with 4 of 4.',
        // What a release allows next depends on what it does about the failure: it says so itself.
        next: '',
      },
    ],
    [
      'instances that are ready and answer wrong',
      () =>
        cluster.behave('shop-r2', {
          proveMs: Number.POSITIVE_INFINITY,
          problem: { ...problem(true), reason: 'proofFailed', message: 'GET / answered 500 (10 tries).' },
        }),
      {},
      {
        reason: 'proofFailed',
        message: /^shop-r2 is ready in local \(\d of 4\), but GET \/ answered 500 \(10 tries\)\.$/,
      },
    ],
    [
      'no progress until the deadline',
      () => cluster.behave('shop-r2', { startMs: Number.POSITIVE_INFINITY, problem: problem(false) }),
      { deadlineMs: 150 },
      {
        reason: 'deadline',
        message: /shop-r2 does not get ready: no progress for 150 ms \(0 of 4 ready, 4 starting; it ended/,
      },
    ],
    [
      'readiness that flaps',
      () => {
        cluster.behave('shop-r2', { startMs: 30, proveMs: 20 });
        const mine = cluster;
        const until = clock.monotonic() + 5_000;
        const flap = () => {
          mine.crash('shop-r2');
          if (clock.monotonic() < until) clock.setTimer(10, flap);
        };
        clock.setTimer(10, flap);
      },
      { deadlineMs: 500 },
      { reason: 'deadline', message: /no progress for 500 ms/ },
    ],
    [
      'instances that lie about their readiness',
      () => cluster.behave('shop-r2', { proveMs: Number.POSITIVE_INFINITY }),
      { deadlineMs: 150 },
      { reason: 'deadline', instruction: 'prove-before', message: /0 of 4 answered through the preview/ },
    ],
    [
      'an entry that shows the wrong version',
      () => {
        cluster.proof = () => ({ ok: false, message: 'shop-r1 answered 3 of 20 after 30 s' });
      },
      {},
      {
        reason: 'proofRefused',
        instruction: 'prove-after',
        message: /does not show what was written \(shop-r2 100 %\): shop-r1 answered 3 of 20/,
      },
    ],
    [
      'a driver that knows a newer epoch',
      () => cluster.fail('setWorkload', new SlipwayError('refused', 'epoch 1 is older than 2 (INV-12)')),
      {},
      { reason: 'refused', instruction: 'ensure', message: /older than 2/ },
    ],
    [
      'instances that do not drain',
      () => cluster.behave('shop-r1', { drainMs: Number.POSITIVE_INFINITY }),
      { deadlineMs: 100, from: slowDrain() },
      { reason: 'deadline', instruction: 'drain', message: /shop-r1 does not drain: no progress/ },
    ],
  ];
  it.each(cases)('%s', async (_, spoil, more, expected) => {
    await first();
    spoil();
    const { status } = await run(shift(more));
    expect(status.phase).toBe('Failed');
    for (const [field, text] of Object.entries(expected)) {
      expect(status.failure?.[field]).toEqual(typeof text === 'string' ? text : expect.stringMatching(text));
    }
    const after = status.instructions.slice(
      status.instructions.findIndex(({ state }) => state === 'failed') + 1,
    );
    expect(after.every(({ state }) => state === 'cancelled')).toBe(true);
  });

  // Found by seed 3577 of the simulator: an agent that had stood still for 40 s said that nothing had moved.
  it('looks once more where a look took longer than its deadline', async () => {
    await first();
    const { observe } = cluster.driver;
    cluster.behave('shop-r2', { startMs: 900 });
    let looks = 0;
    Object.assign(cluster.driver, {
      observe: async (key: Parameters<typeof observe>[0]) => {
        const seen = await observe(key);
        // The first shows the most that there is to see for a while.
        if (key.version === 'shop-r2') looks += 1;
        if (key.version === 'shop-r2' && looks === 3) await clock.sleep(60_000);
        return seen;
      },
    });
    const { status } = await run(shift({ deadlineMs: 10_000 }));
    expect(status.failure).toBeNull();
    expect(status.phase).toBe('Succeeded');
  });

  it('says that users may be hurt when what serves them is not whole', async () => {
    await first();
    cluster.behave('shop-r1', { startMs: Number.POSITIVE_INFINITY });
    cluster.crash('shop-r1');
    cluster.behave('shop-r2', { startMs: Number.POSITIVE_INFINITY, problem: problem(true) });
    const { status } = await run(shift());
    expect(status.failure?.affects).toBe('Users may be affected: shop-r1 serves with 3 of 4.');
  });

  it('refuses traffic for what is not proven, whatever the plan says (INV-1)', async () => {
    await first();
    cluster.behave('shop-r2', { proveMs: Number.POSITIVE_INFINITY });
    const blind = shiftInstructions(FULL, ZERO)
      .filter(({ id }) => id !== 'prove-before')
      .map((instruction) =>
        instruction.id === 'traffic' ? { ...instruction, needs: ['ready'] } : instruction,
      );
    const { status } = await run(executionSpec(blind, { replicas: { shop: 4 }, deadlineMs: 200 }));
    expect(status.failure).toMatchObject({
      reason: 'proofMissing',
      message: expect.stringMatching(/shop-r2 may not have 100 %: 0 of 4 instances are proven \(INV-1\)/),
    });
    expect(cluster.weights(SERVICE)).toEqual({ 'shop-r1': 100 });
  });

  it.each(['drain', 'removeWorkload'] as const)('refuses to %s what has traffic (INV-5)', async (type) => {
    await first();
    const instruction: Instruction = {
      ...{ id: 'x', needs: [], side: 'from', workload: 'shop' },
      ...(type === 'drain' ? { type, replicas: ZERO } : { type }),
    };
    const { status } = await run(executionSpec([instruction], { replicas: { shop: 4 } }));
    expect(status.failure).toMatchObject({ reason: 'stillNamed', message: expect.stringMatching(/100 %/) });
    expect(cluster.serving('shop-r1')).toBe(4);
  });
});

function slowDrain() {
  // The caps are the application's; a drain may always last as long as they say, and a margin.
  return revision(1, [{ ...pinned('shop'), drain: { timeout: '0ms', streamTimeout: '0ms', grace: '0ms' } }]);
}
