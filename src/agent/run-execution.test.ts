import { afterEach, describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import {
  executionSpec,
  FULL,
  pinned,
  ROUTE,
  revision,
  SERVICE,
  shiftInstructions,
  ZERO,
} from '../../test/support/execution-orders.ts';
import { ModelCluster } from '../../test/support/model-driver.ts';
import type { ExecutionSpec, ExecutionStatus, GateRunStatus } from '../api/execution.ts';
import { Gate } from '../api/gate.ts';
import type { Instruction } from '../api/plan.ts';
import type { WorkloadProblem } from '../drivers/cluster-driver.ts';
import { inlineExpressions } from '../gates/expressions.ts';
import { SlipwayError } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import type { Network } from '../lib/network.ts';
import type { Processes } from '../lib/processes.ts';
import { acceptedStatus } from './journal-entries.ts';
import { Lease } from './lease.ts';
import { Cancelled, runExecution } from './run-execution.ts';

const clock = autoClock();
let cluster = new ModelCluster(clock);
afterEach(() => {
  cluster.stop();
  cluster = new ModelCluster(clock);
});

const answering: Network = {
  request: async () => ({ status: 200, headers: {}, body: Buffer.from(''), truncated: false, ms: 1 }),
  connect: async () => {},
};

interface Outcome {
  readonly status: ExecutionStatus;
  readonly gateRuns: Readonly<Record<string, GateRunStatus>>;
  readonly messages: readonly string[];
  /** States of the instructions at each save, by their first letters. */
  readonly saves: readonly string[];
}

async function run(
  spec: ExecutionSpec,
  more: {
    status?: ExecutionStatus;
    notes?: Readonly<Record<string, unknown>>;
    signal?: AbortSignal;
    processes?: Processes;
    network?: Network;
    entry?: readonly string[];
    leaseMs?: number;
  } = {},
): Promise<Outcome> {
  const lease = new Lease(clock);
  lease.begin(more.leaseMs ?? 3_600_000);
  const messages: string[] = [];
  const saves: string[] = [];
  let last: { status: ExecutionStatus; gateRuns: Readonly<Record<string, GateRunStatus>> } = {
    status: acceptedStatus(spec, '2026-11-20T14:02:11.123Z'),
    gateRuns: {},
  };
  const keep = (status: ExecutionStatus, gateRuns: Readonly<Record<string, GateRunStatus>>) => {
    last = { status, gateRuns };
    for (const { message } of status.instructions) if (message !== '') messages.push(message);
  };
  await runExecution(
    {
      namespace: 'default',
      execution: 'shop-local-r2-e1-s1',
      spec,
      status: more.status ?? last.status,
      gateRuns: {},
      notes: more.notes ?? {},
    },
    {
      driver: cluster.driver,
      trafficRouter: cluster.trafficRouter,
      network: more.network ?? answering,
      processes: more.processes ?? ({} as Processes),
      expressions: inlineExpressions,
      resolve: async () => ['127.0.0.1'],
      clock,
      log: silentLog,
      lease,
      entry: more.entry ?? [],
    },
    {
      save: async (status, gateRuns) => {
        saves.push(status.instructions.map(({ state }) => state[0]).join(''));
        keep(status, gateRuns);
      },
      progress: keep,
      note: async () => {},
    },
    more.signal ?? new AbortController().signal,
  );
  return { ...last, messages, saves };
}

const first = (replicas = 4) =>
  run(
    executionSpec(
      shiftInstructions(FULL, ZERO).filter(({ id }) => id !== 'drain'),
      { from: null, to: revision(1), replicas: { shop: replicas } },
    ),
  );
const shift = (more: Partial<ExecutionSpec> = {}, to = FULL, from = ZERO) =>
  executionSpec(shiftInstructions(to, from, { remove: from.kind === 'zero' }), {
    replicas: { shop: 4 },
    ...more,
  });
const problem = (final: boolean): WorkloadProblem => ({
  reason: 'crashLoop',
  message: 'it ended with code 1 three times: "Error: no config"',
  since: '2026-11-20T14:02:11.123Z',
  final,
});

describe('a shift of traffic', () => {
  it('by capacity: 67 % on four of six', async () => {
    await first(6);
    const { status } = await run(
      shift(
        { replicas: { shop: 6 } },
        { kind: 'fraction', num: 2, den: 3 },
        { kind: 'rest', of: { num: 2, den: 3 } },
      ),
    );
    expect(status.failure).toBeNull();
    expect(cluster.weights(SERVICE)).toEqual({ 'shop-r2': 67, 'shop-r1': 33 });
    const [old] = (await cluster.driver.list()).filter(({ key }) => key.version === 'shop-r1');
    expect(old?.instances).toHaveLength(2);
  });

  it('saves each end together with the beginning that follows it', async () => {
    await first();
    const { saves } = await run(shift());
    expect(saves).toEqual([
      'rpppppp',
      'drppppp',
      'ddrpppp',
      'dddrppp',
      'ddddrpp',
      'dddddrp',
      'ddddddr',
      'ddddddd',
    ]);
  });

  it('tells aliases, routes and fence', async () => {
    await first();
    await run(shift({ routes: [ROUTE, { ...ROUTE, path: '/other', workload: 'else' }] }));
    expect(await cluster.trafficRouter.traffic(SERVICE)).toMatchObject({
      aliases: { new: 'shop-r2', old: 'shop-r1' },
      routes: [{ path: '/' }],
      fence: { subject: 'release/default/shop-local-r2', epoch: 1, sequence: 1 },
    });
  });

  it('goes on while the cluster cannot be read', async () => {
    await first();
    const gone = new Error('ECONNREFUSED router.sock');
    cluster.fail('observe', gone, gone);
    cluster.fail('setTraffic', gone, gone);
    cluster.fail('traffic', gone);
    cluster.fail('proveAfter', gone);
    cluster.fail('setWorkload', gone);
    cluster.fail('removeWorkload', gone);
    const { status, messages } = await run(shift());
    expect(status.phase).toBe('Succeeded');
    expect(messages).toContain('the cluster cannot be read: ECONNREFUSED router.sock');
  });

  it('says numbers while it waits', async () => {
    await first();
    cluster.behave('shop-r2', { startMs: 40 });
    cluster.behave('shop-r1', { drainMs: 60 });
    cluster.setLoad('shop-r1', { requests: 13, streams: 1 });
    const { messages } = await run(shift());
    expect(messages).toContain('0 of 4 ready, 4 starting');
    expect(messages).toContain('draining 4 of 4, 14 in flight');
    expect(messages).toContain('4 of 4 answered through the preview');
  });
});

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
        next: /slipway retry shop-local-r2.*slipway abort shop-local-r2/,
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

describe('cancelling', () => {
  it('stops what runs, begins nothing, and says so', async () => {
    await first();
    cluster.behave('shop-r2', { startMs: Number.POSITIVE_INFINITY });
    const control = new AbortController();
    const running = run(shift(), { signal: control.signal });
    await new Promise((resolve) => setImmediate(resolve));
    control.abort(new Cancelled('epoch 2 was taken'));
    const { status } = await running;
    expect(status.phase).toBe('Cancelled');
    expect(status.failure).toBeNull();
    expect(status.instructions.every(({ state }) => state === 'done' || state === 'cancelled')).toBe(true);
  });

  it('begins nothing after the lease, and lets what runs go to its end (INV-23)', async () => {
    await first();
    cluster.behave('shop-r2', { startMs: 500 });
    const control = new AbortController();
    const running = run(shift(), { signal: control.signal, leaseMs: 300 });
    await clock.sleep(5_000);
    control.abort(new Cancelled('enough'));
    const { status } = await running;
    expect(status.instructions.map(({ state }) => state).slice(0, 3)).toEqual(['done', 'done', 'cancelled']);
    expect(status.instructions[2]?.startedAt).toBeNull();
  });

  it('leaves the state for the next start when the agent stops', async () => {
    await first();
    cluster.behave('shop-r2', { startMs: 50 });
    const control = new AbortController();
    const running = run(shift(), { signal: control.signal });
    control.abort(new Error('the agent stops'));
    await expect(running).rejects.toThrow('the agent stops');
  });
});

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

describe('the prober', () => {
  it('asks through the flip until the proof after, and its counts stand with the flip', async () => {
    await first();
    let asked = 0;
    const network: Network = {
      ...answering,
      request: async (request) => {
        asked += 1;
        expect(request).toMatchObject({
          url: 'http://127.0.0.1:8480/',
          fresh: true,
          headers: { host: 'shop.localhost' },
        });
        return asked === 1
          ? { status: 503, headers: {}, body: Buffer.from(''), truncated: false, ms: 1 }
          : { status: 200, headers: {}, body: Buffer.from(''), truncated: false, ms: 1 };
      },
    };
    const proveAfter = cluster.trafficRouter.proveAfter.bind(cluster.trafficRouter);
    cluster.trafficRouter.proveAfter = async (wish) => {
      while (asked < 4) await clock.sleep(5);
      return proveAfter(wish);
    };
    const { status } = await run(shift(), { network, entry: ['http://127.0.0.1:8480'] });
    const flip = status.instructions.find(({ id }) => id === 'traffic');
    expect(flip?.evidence.prober).toMatchObject({
      source: 'prober',
      total: asked,
      failed: 1,
      failures: { noBackend: 1 },
      unfinished: 0,
    });
  });
});
