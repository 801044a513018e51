import { describe, expect, it } from 'vitest';
import { executionSpec, FULL, ROUTE, SERVICE } from '../../test/support/execution-orders.ts';
import { answering, clock, cluster, first, run, shift } from '../../test/support/execution-run.ts';
import type { Network } from '../lib/network.ts';
import { Cancelled } from './run-execution.ts';

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

  it('goes on with what follows an instruction that ends while another end is saved', async () => {
    await first();
    cluster.behave('shop-r2', { startMs: 5, proveMs: 8_000 });
    const of = { side: 'to', workload: 'shop', replicas: FULL } as const;
    const weights = { kind: 'fixed', from: 100, to: 0 } as const;
    const { status } = await run(
      executionSpec([
        { ...of, id: 'ensure', needs: [], type: 'ensureWorkload' },
        { ...of, id: 'ready', needs: ['ensure'], type: 'awaitReady' },
        { ...of, id: 'prove', needs: ['ensure'], type: 'proveTraffic', when: 'before', weights },
        { ...of, id: 'again', needs: ['ready', 'prove'], type: 'awaitReady' },
      ]),
      { saveMs: 5_000 },
    );
    expect(status.phase).toBe('Succeeded');
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
