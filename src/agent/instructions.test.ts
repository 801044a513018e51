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
import { clock, cluster, first, problem, run } from '../../test/support/execution-run.ts';
import type { ExecutionSpec } from '../api/execution.ts';
import { Gate } from '../api/gate.ts';
import type { Instruction } from '../api/plan.ts';
import type { CommandOutcome, Processes, RunCommand } from '../lib/processes.ts';

describe('rolling', () => {
  const roll = (side: 'to' | 'from', more: Partial<ExecutionSpec> = {}) =>
    executionSpec(
      [{ id: 'shop/roll', needs: [], type: 'rollWorkload', workload: 'shop', side, replicas: FULL }],
      {
        replicas: { shop: 4 },
        maxSurge: { shop: 1 },
        ...more,
      },
    );

  it('goes one by one, traffic with the capacity, and removes the old', async () => {
    await first();
    const { status } = await run(roll('to'));
    expect(status.failure).toBeNull();
    const weights = cluster.events
      .flatMap((event) => (event.type === 'traffic' ? [event.weights] : []))
      .slice(1);
    expect(weights.map((w) => w['shop-r2'])).toEqual([25, 50, 75, 100]);
    expect((await cluster.driver.list()).map(({ key }) => key.version)).toEqual(['shop-r2']);
    expect(status.instructions[0]?.evidence).toMatchObject({
      flips: 4,
      weights: { 'shop-r2': 100 },
      proof: { ok: true },
    });
  });

  it('says what had been counted at its first flip, as soon as it was and at its end', async () => {
    const counted = { requests: 9, failed: 2, failures: { noBackend: 2 }, byVersion: {} };
    await first();
    const { status, messages } = await run(roll('to'), { counted });
    expect(messages).toContain('traffic moves to shop-r2');
    expect(status.instructions[0]?.evidence).toMatchObject({ flips: 4, counted });
  });

  it('so does a single flip', async () => {
    const counted = { requests: 9, failed: 2, failures: { noBackend: 2 }, byVersion: {} };
    await first();
    const { status } = await run(executionSpec(shiftInstructions(FULL, ZERO), { replicas: { shop: 4 } }), {
      counted,
    });
    const flip = status.instructions.find(({ evidence }) => evidence.flipMs !== undefined);
    expect(flip?.evidence).toMatchObject({ counted });
  });

  it('says what all its proofs asked of the entry, also where the last was refused', async () => {
    await first();
    const done = (await run(roll('to'))).status.instructions[0]?.evidence;
    expect(done).toMatchObject({ proof: { requests: 20 }, proofs: { requests: 20, failed: 0 } });
    cluster.proof = () => ({ ok: false, message: 'not what was written' });
    const { status } = await run(roll('from'));
    expect(status.failure?.reason).toBe('proofRefused');
    expect(status.instructions[0]?.evidence).toMatchObject({
      proof: { ok: false },
      proofs: { requests: 20 },
    });
  });

  // Found by seed 51 of the simulator.
  it('looks at the traffic again after the proof, and takes nothing down that somebody else gave it back to', async () => {
    await first();
    let undone = false;
    cluster.proof = () => {
      if (!undone)
        void cluster.trafficRouter.setTraffic({
          ...{ service: SERVICE, routes: [], aliases: { new: null, old: 'shop-r1' } },
          weights: { 'shop-r1': 100 },
          fence: { subject: 'somebody', epoch: 1, sequence: 1 },
        });
      undone = true;
      return {};
    };
    const { status } = await run(roll('to'));
    expect(status.failure).toBeNull();
    const back = cluster.events.findIndex(
      (event) => event.type === 'traffic' && event.fence.subject === 'somebody',
    );
    expect(cluster.events.slice(back + 1)[0]).toMatchObject({ type: 'traffic', weights: { 'shop-r2': 100 } });
    expect(cluster.weights(SERVICE)).toEqual({ 'shop-r2': 100 });
  });

  it('back again', async () => {
    await first();
    await run(roll('to'));
    const { status } = await run(roll('from'));
    expect(status.failure).toBeNull();
    expect(cluster.weights(SERVICE)).toEqual({ 'shop-r1': 100 });
  });

  it('stops where there is no room', async () => {
    await first();
    const { status } = await run(roll('to', { maxSurge: { shop: 0 }, maxUnavailable: { shop: 0 } }));
    expect(status.failure).toMatchObject({ reason: 'noRoom' });
    expect(cluster.serving('shop-r1')).toBe(4);
  });

  it('stops at a new version that does not start, the old one at its floor', async () => {
    await first();
    cluster.behave('shop-r2', { startMs: Number.POSITIVE_INFINITY, problem: problem(true) });
    const { status } = await run(roll('to'));
    expect(status.failure).toMatchObject({ reason: 'crashLoop' });
    expect(cluster.serving('shop-r1')).toBe(4);
  });

  it('restarts every instance of one version, once', async () => {
    await first();
    const { status } = await run(
      executionSpec([{ id: 'restart', needs: [], type: 'restartWorkload', side: 'from', workload: 'shop' }], {
        release: null,
        subject: 'track/default/shop-local',
        purpose: 'restart',
      }),
    );
    expect(status.failure).toBeNull();
    expect(cluster.events.filter(({ type }) => type === 'restart')).toHaveLength(1);
    expect(cluster.events.filter(({ type }) => type === 'started')).toHaveLength(8);
  });
});

describe('leaving', () => {
  it('a warm version: waits until ordinary requests are out and keeps its instances', async () => {
    await first();
    await run(executionSpec(shiftInstructions(FULL, ZERO).slice(0, 5), { replicas: { shop: 4 } }));
    cluster.setLoad('shop-r1', { requests: 2, streams: 1 });
    const running = run(
      executionSpec(
        [{ id: 'drain', needs: [], type: 'drain', side: 'from', workload: 'shop', replicas: FULL }],
        {
          replicas: { shop: 4 },
        },
      ),
    );
    clock.setTimer(50, () => cluster.setLoad('shop-r1', { requests: 0, streams: 1 }));
    const { status } = await running;
    expect(status.instructions[0]?.evidence).toMatchObject({ requests: 2, streams: 1, cut: 0, remaining: 0 });
    expect(cluster.serving('shop-r1')).toBe(4);
  });

  it('a deleted application: routes first, then drain, then nothing', async () => {
    await first();
    const { status } = await run(
      executionSpec(
        [
          { id: 'drain', needs: [], type: 'drain', side: 'to', workload: 'shop', replicas: ZERO },
          { id: 'remove', needs: ['drain'], type: 'removeWorkload', side: 'to', workload: 'shop' },
        ],
        { purpose: 'delete', from: null, to: revision(1), replicas: { shop: 4 } },
      ),
    );
    expect(status.phase).toBe('Succeeded');
    const types = cluster.events.map(({ type }) => type);
    expect(types.indexOf('removeService')).toBeLessThan(types.lastIndexOf('wish'));
    expect(await cluster.driver.list()).toEqual([]);
  });

  it('a service that the new revision no longer has', async () => {
    await first();
    const { status } = await run(
      executionSpec(
        [{ id: 'drain', needs: [], type: 'drain', side: 'from', workload: 'shop', replicas: ZERO }],
        { to: revision(2, [pinned('else')]), replicas: { shop: 4 } },
      ),
    );
    expect(status.phase).toBe('Succeeded');
    expect(cluster.weights(SERVICE)).toEqual({});
  });
});

describe('jobs', () => {
  const job = executionSpec([{ id: 'migrate', needs: [], type: 'runJob', side: 'to', workload: 'migrate' }], {
    to: revision(2, [pinned('migrate', 'migration')]),
  });

  it('are done with code 0 and cleared away', async () => {
    const { status } = await run(job);
    expect(status.instructions[0]).toMatchObject({ state: 'done', evidence: { exitCode: 0 } });
    await clock.sleep(50);
    expect(await cluster.driver.list()).toEqual([]);
  });

  it('fail with another code, and stay to be looked at', async () => {
    cluster.behave('migrate-r2', { job: { ms: 1, exitCode: 3 } });
    const { status } = await run(job);
    expect(status.failure).toMatchObject({ reason: 'jobFailed', message: expect.stringMatching(/code 3/) });
    expect(await cluster.driver.list()).toHaveLength(1);
  });

  it('are run afresh by a new order, whatever an earlier one left', async () => {
    cluster.behave('migrate-r2', { job: { ms: 1, exitCode: 3 } });
    await run(job);
    cluster.behave('migrate-r2', { job: { ms: 1, exitCode: 0 } });
    expect((await run(job)).status.phase).toBe('Succeeded');
  });

  it('are unknown when they were begun and nobody finds them (INV-14)', async () => {
    const { status } = await run(job, { notes: { migrate: { started: true } } });
    expect(status.instructions[0]?.state).toBe('unknown');
    expect(status.failure).toMatchObject({ reason: 'unknownOutcome' });
    expect(cluster.events).toEqual([]);
  });
});

describe('gates', () => {
  const ask = (gate: unknown): Instruction => ({
    id: 'gate/smoke',
    needs: [],
    type: 'runGate',
    gate: Gate.parse(gate),
    gateRun: 'shop-local-r2-e1-s1-smoke',
    side: 'to',
    workload: 'shop',
  });
  const smoke = {
    name: 'smoke',
    after: 1,
    http: { path: '/version', expect: 'response.json.version == "2"' },
  };

  it('ask the version itself, and pass on positive evidence', async () => {
    cluster.behave('shop-r2', { preview: () => ({ status: 200, headers: {}, body: '{"version":"2"}' }) });
    const { status, gateRuns } = await run(executionSpec([ask(smoke)]));
    expect(status.phase).toBe('Succeeded');
    expect(gateRuns['shop-local-r2-e1-s1-smoke']).toMatchObject({
      state: 'done',
      verdict: 'pass',
      samples: [{ verdict: 'pass' }],
    });
  });

  it('fail with what was seen', async () => {
    cluster.behave('shop-r2', { preview: () => ({ status: 200, headers: {}, body: '{"version":"1"}' }) });
    const { status, gateRuns } = await run(executionSpec([ask(smoke)]));
    expect(status.failure).toMatchObject({
      reason: 'gateFailed',
      message: expect.stringMatching(/Gate smoke failed: GET \/version 200, ".*" is false/),
    });
    expect(Object.values(gateRuns)[0]?.verdict).toBe('fail');
  });

  it('that run a command are not run again when nobody knows what it did (INV-14)', async () => {
    const command = { name: 'smoke', after: 1, command: { argv: ['/bin/true'] } };
    const { status, gateRuns } = await run(executionSpec([ask(command)]), {
      notes: { 'gate/smoke': 'asking' },
    });
    expect(status.instructions[0]?.state).toBe('unknown');
    expect(Object.values(gateRuns)[0]?.verdict).toBe('unknown');
  });
});

it.each([
  [true, 4],
  [false, 2],
])('a size that is asked for at least (%s) takes nothing down', async (atLeast, left) => {
  await first();
  const ensure: Instruction = {
    ...{ id: 'ensure', needs: [], type: 'ensureWorkload', side: 'from', workload: 'shop', replicas: FULL },
    ...(atLeast ? { atLeast } : {}),
  };
  const { status } = await run(executionSpec([ensure], { replicas: { shop: 2 } }));
  expect(status.failure).toBeNull();
  expect((await cluster.driver.list()).map(({ wanted }) => wanted)).toEqual([left]);
});

describe('a command that may run once only', () => {
  const order = (timeout: string) =>
    executionSpec([
      {
        ...{ id: 'gate/load', needs: [], type: 'runGate', gateRun: 'load', side: 'to', workload: 'shop' },
        gate: Gate.parse({
          ...{ name: 'load', after: 1, timeout, interval: '1s', failureLimit: 5 },
          command: { argv: ['load-test'], idempotent: false },
        }),
      },
    ]);

  // Found by seed 3341 of the simulator: the answer that nobody waited for any more was taken for an end.
  it('is not run again when it was cut off, however late that is told', async () => {
    let runs = 0;
    const processes = {
      run: async ({ timeoutMs }: RunCommand): Promise<CommandOutcome> => {
        runs += 1;
        await clock.sleep(timeoutMs + 400);
        return { exitCode: null, signal: 'SIGKILL', stdout: '', stderr: '', timedOut: true, ms: timeoutMs };
      },
    } as Processes;
    const { status } = await run(order('2s'), { processes });
    expect(status.failure).toMatchObject({ reason: 'unknownOutcome' });
    expect(runs).toBe(1);
  });
});
