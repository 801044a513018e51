import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { LogLine, LogSource } from '../../../src/agent/calls.ts';
import type { Cluster } from '../../../src/api/environment.ts';
import type { GateRun } from '../../../src/api/execution.ts';
import { Gate } from '../../../src/api/gate.ts';
import type { Stored } from '../../../src/api/meta.ts';
import { API_VERSION } from '../../../src/api/meta.ts';
import { PROTOCOL_VERSION } from '../../../src/execution/protocol.ts';
import { collect } from '../../support/collect.ts';
import { eventually } from '../../support/eventually.ts';
import {
  executionSpec,
  FULL,
  SERVICE,
  shiftInstructions,
  VERSION,
  ZERO,
} from '../../support/execution-orders.ts';
import { faultyDial } from './faults.ts';
import { type Bench, withBench, withFirstVersion } from './harness.ts';

const clusterOf = (bench: Bench) => bench.store.get<Cluster>({ kind: 'Cluster', name: 'local' });
const signal = () => new AbortController().signal;

describe('presence', () => {
  it('stands in the Cluster while it changes, and is not written at rest', () =>
    withBench(async (bench) => {
      const agent = await bench.agent({ entry: ['http://127.0.0.1:8480'] });
      const connected = await eventually('it is connected', async () => {
        const stored = await clusterOf(bench);
        return stored?.status?.agent?.connected === true ? stored : undefined;
      });
      expect(connected.status?.agent).toMatchObject({ version: VERSION });
      expect(bench.gateway().clusters()).toEqual([
        expect.objectContaining({ name: 'local', connected: true, entry: ['http://127.0.0.1:8480'] }),
      ]);
      // Several pings later.
      const seen = bench.gateway().clusters()[0]?.lastSeen ?? '';
      await eventually('pings', () => (bench.gateway().clusters()[0]?.lastSeen ?? '') > seen);
      await eventually('more pings', () => Date.now() - Date.parse(seen) > 500);
      expect((await clusterOf(bench))?.metadata.resourceVersion).toBe(connected.metadata.resourceVersion);
      await agent.stop();
      await eventually(
        'it is gone',
        async () => (await clusterOf(bench))?.status?.agent?.connected === false,
      );
    }));

  it('of an earlier manager is mended when the agent does not come back', () =>
    withBench(async (bench) => {
      const agent = await bench.agent();
      await eventually('it is connected', async () => (await clusterOf(bench))?.status?.agent?.connected);
      const stored = (await clusterOf(bench)) as Stored<Cluster>;
      await agent.stop();
      await eventually(
        'it is gone',
        async () => (await clusterOf(bench))?.status?.agent?.connected === false,
      );
      const now = (await clusterOf(bench)) as Stored<Cluster>;
      await bench.restartManager();
      await bench.store.updateStatus<Cluster>({ ...now, status: { ...stored.status } });
      await eventually('mended', async () => (await clusterOf(bench))?.status?.agent?.connected === false);
    }));

  it('the newest connection of a cluster wins', () =>
    withBench(async (bench) => {
      await bench.agent();
      await eventually('it is connected', () => bench.gateway().clusters()[0]?.connected);
      const closed: string[] = [];
      const hello = JSON.stringify({
        ...{ type: 'hello', protocol: PROTOCOL_VERSION, version: VERSION, cluster: 'local', holds: [] },
        address: { entry: ['http://newer'] },
      });
      const link = await bench.dial({ frame: () => {}, closed: (reason) => closed.push(reason) }, signal());
      await link.send(hello);
      await eventually('the newer one is there', () =>
        bench.gateway().clusters()[0]?.entry.includes('http://newer'),
      );
      // The older agent dials again and is then the newest.
      await eventually('the older one came back', () => closed.length > 0);
      expect(closed[0]).toMatch(/newer connection/);
    }));

  const greetings: [string, unknown, RegExp][] = [
    ['no hello', { type: 'pong', id: 1 }, /first frame must be a hello/],
    ['another protocol', { protocol: 1 }, /protocol 1 is not spoken here/],
    ['another cluster than its token', { cluster: 'eu' }, /for cluster local, not for eu/],
  ];
  it.each(greetings)('is refused with %s', (_, change, says) =>
    withBench(async (bench) => {
      const closed: string[] = [];
      const link = await bench.dial({ frame: () => {}, closed: (reason) => closed.push(reason) }, signal());
      const hello = {
        type: 'hello',
        protocol: PROTOCOL_VERSION,
        version: VERSION,
        cluster: 'local',
        holds: [],
      };
      await link.send(
        JSON.stringify(
          'type' in (change as object) ? change : { ...hello, address: { entry: [] }, ...(change as object) },
        ),
      );
      await eventually('closed', () => closed.length > 0);
      expect(closed[0]).toMatch(says);
    }),
  );
});

describe('calls', () => {
  it('brings the instances and totals of a cluster', () =>
    withBench(async (bench) => {
      await bench.agent();
      await withFirstVersion(bench, 2);
      bench.cluster.count(SERVICE, 'shop-r1', 9);
      const gateway = bench.gateway();
      const [instances] = await collect(
        gateway.call('local', 'instances', { application: 'shop' }, signal()),
      );
      expect(instances).toEqual([expect.objectContaining({ wanted: 2, ready: 2 })]);
      expect(await collect(gateway.call('local', 'instances', { application: 'x' }, signal()))).toEqual([[]]);
      expect(await collect(gateway.call('local', 'totals', { service: SERVICE }, signal()))).toEqual([
        expect.objectContaining({ requests: 9 }),
      ]);
    }));

  it('follows a log until nobody reads it any more', () =>
    withBench(async (bench) => {
      let ended = false;
      const logs: LogSource = {
        async *read(query, over): AsyncGenerator<LogLine> {
          try {
            for (let n = 0; ; n += 1) {
              yield { instance: 'shop-r1-1', line: `${query.application} ${n}` };
              if (n > 2) await once(over, 'abort');
              if (over.aborted) return;
            }
          } finally {
            ended = true;
          }
        },
      };
      await bench.agent({ logs });
      await eventually('it is connected', () => bench.gateway().clusters()[0]?.connected);
      const params = { namespace: 'default', application: 'shop', follow: true, tailLines: 10 };
      const lines: unknown[] = [];
      for await (const line of bench.gateway().call('local', 'logs', params, signal())) {
        lines.push(line);
        if (lines.length === 3) break;
      }
      expect(lines[2]).toEqual({ instance: 'shop-r1-1', line: 'shop 2' });
      await eventually('the agent stopped reading', () => ended);
    }));

  it('says why there is no answer', () =>
    withBench(async (bench) => {
      expect(() => bench.gateway().call('local', 'instances', {}, signal())).toThrow(/not connected/);
      const agent = await bench.agent();
      await eventually('it is connected', () => bench.gateway().clusters()[0]?.connected);
      await expect(
        collect(bench.gateway().call('local', 'logs', { namespace: 'x', application: 'y' }, signal())),
      ).rejects.toThrow(/keeps no logs/);
      bench.cluster.driver.list = () => new Promise(() => {});
      const hanging = collect(bench.gateway().call('local', 'instances', {}, signal()));
      const failed = expect(hanging).rejects.toThrow(/connection to the agent was lost/);
      await agent.stop();
      await failed;
    }));
});

describe('what an agent reports', () => {
  it('stands in the GateRun before the execution has ended', () =>
    withBench(async (bench) => {
      await bench.agent();
      await withFirstVersion(bench, 1);
      const gate = Gate.parse({ name: 'smoke', after: 1, http: { path: '/' } });
      const gateRun = 'shop-local-r2-e1-s1-smoke';
      await bench.store.create<GateRun>({
        apiVersion: API_VERSION,
        kind: 'GateRun',
        metadata: { name: gateRun, namespace: 'default' },
        spec: { release: 'shop-local-r2', stage: 1, when: 'after', gate, epoch: 1 },
      });
      const spec = executionSpec([
        { id: 'gate/smoke', needs: [], type: 'runGate', gate, gateRun, side: 'to', workload: 'shop' },
      ]);
      expect((await bench.ended(await bench.order(spec))).phase).toBe('Succeeded');
      const stored = await bench.store.get<GateRun>({
        kind: 'GateRun',
        namespace: 'default',
        name: gateRun,
      });
      expect(stored?.status).toMatchObject({ state: 'done', verdict: 'pass' });
    }));

  it('a gate that is skipped while it is asked gives way to the next step', () =>
    withBench(async (bench) => {
      await bench.agent();
      await withFirstVersion(bench, 1);
      bench.cluster.behave('shop-r2', { preview: () => ({ status: 500, headers: {}, body: '' }) });
      const gate = Gate.parse({ name: 'slow', before: 1, http: { path: '/' }, failureLimit: 1_000 });
      const asking = await bench.order(
        executionSpec([
          { id: 'gate/slow', needs: [], type: 'runGate', gate, gateRun: 'g', side: 'to', workload: 'shop' },
        ]),
      );
      await eventually('it is asked', async () => (await bench.status(asking))?.phase === 'Running');
      const next = await bench.order(
        executionSpec(shiftInstructions(FULL, ZERO), { sequence: 2, replicas: { shop: 1 } }),
      );
      expect((await bench.ended(next)).phase).toBe('Succeeded');
      expect((await bench.ended(asking)).phase).toBe('Cancelled');
    }));

  it('brings failed requests of a release to its newest execution, also between two of them', () =>
    withBench(async (bench) => {
      await bench.agent();
      await withFirstVersion(bench, 2);
      bench.cluster.count(SERVICE, 'shop-r1', 500, 3);
      await bench.release('shop-local-r2', { phase: 'Progressing', epoch: 1 });
      const name = await bench.order(executionSpec(shiftInstructions(FULL, ZERO), { replicas: { shop: 2 } }));
      expect((await bench.ended(name)).traffic).toMatchObject({ failed: 0 });
      bench.cluster.count(SERVICE, 'shop-r2', 10, 1);
      const traffic = await eventually('the failure is stored', async () => {
        const now = (await bench.status(name))?.traffic;
        return now?.failed === 1 ? now : undefined;
      });
      expect(traffic).toMatchObject({ requests: 10, failures: { reset: 1 } });
    }));

  it('is forgotten with the release', () =>
    withBench(async (bench) => {
      let forgotten = false;
      let looks = 0;
      const dial = faultyDial(bench.dial, {
        copies: (_, text) => {
          forgotten ||= text.includes('"forget"');
          return 1;
        },
      });
      await bench.agent({ dial });
      // Goes on being counted, so that the looks at the counts can be counted.
      await bench.release('shop-local-r1', { phase: 'Progressing', epoch: 1 });
      await withFirstVersion(bench, 1);
      await bench.release('shop-local-r2', { phase: 'Progressing', epoch: 1 });
      const name = await bench.order(executionSpec(shiftInstructions(FULL, ZERO), { replicas: { shop: 1 } }));
      await bench.ended(name);
      await bench.release('shop-local-r2', { phase: 'Succeeded' });
      await eventually('the agent is told', () => forgotten);
      const { trafficRouter } = bench.cluster;
      const totals = trafficRouter.totals.bind(trafficRouter);
      trafficRouter.totals = (service) => {
        looks += 1;
        return totals(service);
      };
      bench.cluster.count(SERVICE, 'shop-r2', 10, 1);
      await eventually('it would have been seen', () => looks > 4);
      expect((await bench.status(name))?.traffic?.failed ?? 0).toBe(0);
    }));
});

describe('a peer that speaks nonsense', () => {
  it.each(['{', '{"type":"levitate"}', '[]', '"x"'])('is told so, and nothing happens: %s', (text) =>
    withBench(async (bench) => {
      const frames: string[] = [];
      const link = await bench.dial({ frame: (frame) => frames.push(frame), closed: () => {} }, signal());
      await link.send(text);
      await eventually('an error', () => frames.some((frame) => frame.includes('"error"')));
      link.close(1000, 'done');
    }),
  );

  it('with binary frames is closed', () =>
    withBench(async (bench) => {
      await bench.agent();
      await withFirstVersion(bench, 1);
      const url = bench.url;
      const socket = new WebSocket(url);
      await once(socket, 'open');
      socket.send(Buffer.from([1, 2, 3]));
      const [code] = await once(socket, 'close');
      expect(code).toBe(4002);
    }));
});
