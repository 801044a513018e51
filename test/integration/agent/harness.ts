import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';
import { type AgentOptions, startAgent } from '../../../src/agent/agent.ts';
import { type Dial, webSocketDial } from '../../../src/agent/connection.ts';
import type { Execution, ExecutionSpec, ExecutionStatus } from '../../../src/api/execution.ts';
import { API_VERSION } from '../../../src/api/meta.ts';
import type { Release } from '../../../src/api/release.ts';
import { type AgentGateway, createGateway } from '../../../src/execution/gateway.ts';
import { MAX_FRAME_BYTES } from '../../../src/execution/link.ts';
import { inlineExpressions } from '../../../src/gates/expressions.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { nodeFiles } from '../../../src/lib/files-node.ts';
import { silentLog } from '../../../src/lib/log.ts';
import type { Network } from '../../../src/lib/network.ts';
import type { Processes } from '../../../src/lib/processes.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { memoryStore } from '../../../src/store/memory/memory-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { eventually } from '../../support/eventually.ts';
import { execution, VERSION } from '../../support/execution-orders.ts';
import { ModelCluster } from '../../support/model-driver.ts';
import { firstRelease } from './orders.ts';

export interface Bench {
  readonly store: Store;
  readonly cluster: ModelCluster;
  readonly gateway: () => AgentGateway;
  readonly dial: Dial;
  readonly url: string;
  readonly directory: string;
  /** Starts an agent over the bench's journal. With `unowned` nobody stops it: it is going to be killed. */
  agent(more?: Partial<AgentOptions> & { unowned?: boolean }): Promise<{ stop(): Promise<void> }>;
  restartManager(): Promise<void>;
  order(spec: ExecutionSpec, name?: string): Promise<string>;
  status(name: string): Promise<ExecutionStatus | undefined>;
  ended(name: string): Promise<ExecutionStatus>;
  release(name: string, status: Partial<NonNullable<Release['status']>>): Promise<void>;
}

/** Never answers; flips are probed only where a test brings its own. */
const noNetwork: Network = {
  request: () => Promise.reject(new Error('no network in this test')),
  connect: () => Promise.reject(new Error('no network in this test')),
};
const noProcesses = {} as Processes;

/** A real WebSocket between a gateway over the memory store and agents over a model cluster. */
export async function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  const clock = systemClock();
  const random = systemRandom();
  const directory = await mkdtemp(join(tmpdir(), 'slipway-agent-'));
  const store = memoryStore({ clock, random });
  const cluster = new ModelCluster(clock);
  const makeGateway = () => createGateway({ store, clock, log: silentLog, version: VERSION, leaseMs: 600 });
  let gateway = makeGateway();
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: MAX_FRAME_BYTES });
  server.on('connection', (socket) => gateway.attach(socket, { cluster: 'local' }));
  await once(server, 'listening');
  const managerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const agents: { stop(): Promise<void> }[] = [];
  const dial = webSocketDial({ managerUrl, token: 'test', version: VERSION });
  const status = async (name: string) =>
    (await store.get<Execution>({ kind: 'Execution', namespace: 'default', name }))?.status;
  const bench: Bench = {
    store,
    cluster,
    directory,
    dial,
    url: managerUrl.replace('http', 'ws'),
    gateway: () => gateway,
    agent: async ({ unowned = false, ...more } = {}) => {
      const agent = await startAgent({
        managerUrl,
        token: 'test',
        dataDirectory: directory,
        driver: cluster.driver,
        trafficRouter: cluster.trafficRouter,
        network: noNetwork,
        processes: noProcesses,
        files: nodeFiles(),
        clock,
        random,
        log: silentLog,
        version: VERSION,
        cluster: 'local',
        dial,
        expressions: inlineExpressions,
        ...more,
      });
      if (!unowned) agents.push(agent);
      return agent;
    },
    restartManager: async () => {
      await gateway.stop();
      gateway = makeGateway();
    },
    order: async (spec, name) => {
      const made = await store.create<Execution>(execution(spec, name));
      return made.metadata.name;
    },
    status,
    ended: (name) =>
      eventually(`${name} to end`, async () => {
        const now = await status(name);
        return now?.endedAt === null || now === undefined ? undefined : now;
      }),
    release: async (name, change) => {
      const key = { kind: 'Release', namespace: 'default', name };
      const stored = await store.get<Release>(key);
      if (stored !== undefined) {
        await store.updateStatus<Release>({ ...stored, status: { ...stored.status, ...change } as never });
        return;
      }
      await store.create({
        apiVersion: API_VERSION,
        kind: 'Release',
        metadata: { name, namespace: 'default' },
        spec: { clusters: ['local'] },
        status: change,
      });
    },
  };
  await store.create({
    apiVersion: API_VERSION,
    kind: 'Cluster',
    metadata: { name: 'local' },
    spec: { driver: 'local' },
  });
  try {
    await run(bench);
  } finally {
    for (const agent of agents) await agent.stop();
    await gateway.stop();
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
    cluster.stop();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Puts r1 at full strength with all of the traffic, as an earlier release left it. */
export async function withFirstVersion(bench: Bench, replicas = 6): Promise<void> {
  const name = await bench.order(firstRelease(replicas));
  const { phase, failure } = await bench.ended(name);
  if (phase !== 'Succeeded') throw new Error(`the first release ${phase}: ${failure?.message}`);
}
