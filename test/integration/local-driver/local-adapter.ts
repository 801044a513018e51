import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { RouteSpec } from '../../../src/api/application.ts';
import type {
  AdapterUnderTest,
  Behaviour,
  HeldRequest,
} from '../../../src/drivers/conformance/base-conformance.ts';
import { createLocalDriver, type LocalDriver } from '../../../src/drivers/local/local-driver.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { nodeFiles } from '../../../src/lib/files-node.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { nodeNetwork } from '../../../src/lib/network-node.ts';
import { nodeProcesses } from '../../../src/lib/processes-node.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { ControlSocketClient } from '../../../src/router/control-socket-client.ts';
import { REVISION_HEADER } from '../../../src/router/table.ts';
import { eventually } from '../../support/eventually.ts';
import { ARTIFACT, workloadSpec } from './harness.ts';

const ROUTER = fileURLToPath(new URL('../../../src/router/main.ts', import.meta.url));

/** How the application of these tests is made to behave. */
const BEHAVIOURS: Readonly<Record<Behaviour, Readonly<Record<string, string>>>> = {
  good: {},
  crashesAtStart: { CRASH: '1' },
  neverReady: { NEVER_LISTEN: '1' },
  answersItsProbeOnly: { LIE: 'error' },
  jobThatSucceeds: { CRASH: '0' },
  jobThatFails: { CRASH: '3' },
};

/** The local driver over real processes and a router in a process of its own; cases may share it. */
export class LocalMachine {
  readonly network = nodeNetwork();
  readonly #directory: string;
  readonly #router: ChildProcess;
  readonly #port: number;
  #local: LocalDriver;
  #held = 0;

  private constructor(directory: string, router: ChildProcess, port: number, local: LocalDriver) {
    this.#directory = directory;
    this.#router = router;
    this.#port = port;
    this.#local = local;
  }

  static async start(): Promise<LocalMachine> {
    const directory = await mkdtemp(join(tmpdir(), 'slipway-conformance-'));
    await chmod(directory, 0o711);
    const files = ['--control', join(directory, 'router.sock'), '--table', join(directory, 'router.json')];
    const router = spawn(process.execPath, [ROUTER, ...files, '--listen', '127.0.0.1:0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = await Promise.race([
      once(createInterface(router.stdout), 'line'),
      once(router, 'exit').then(([code]) => {
        throw new Error(`the router ended with code ${code}`);
      }),
    ]);
    const port: number = JSON.parse(String(line)).addresses[0].port;
    return new LocalMachine(directory, router, port, await startDriver(directory, port));
  }

  async stop(): Promise<void> {
    await this.#local.stopWithInstances(0);
    const ended = once(this.#router, 'exit');
    this.#router.kill('SIGKILL');
    await ended;
    this.network.close();
    await rm(this.#directory, { recursive: true, maxRetries: 10, retryDelay: 20 });
  }

  /** One service of this machine, named so that cases do not meet. */
  adapter(workload: string): AdapterUnderTest {
    const host = `${workload}.localhost`;
    const machine = this;
    return {
      get driver() {
        return machine.#local.driver;
      },
      get router() {
        return machine.#local.trafficRouter;
      },
      service: { namespace: 'default', application: workload, environment: 'local', workload },
      route: RouteSpec.parse({ host }),
      spec: (version, behaviour) => {
        const { port, readiness, ...spec } = workloadSpec(version, {
          name: workload,
          env: BEHAVIOURS[behaviour],
          drain: { timeout: '20s', streamTimeout: '20s', grace: '20s' },
        });
        // Under load a process may take its time; who is never ready says so by a shorter timeout of its own.
        const patient = { ...readiness, startTimeout: '30s' } as typeof readiness;
        return behaviour.startsWith('job')
          ? { ...spec, type: 'migration' }
          : { ...spec, ...(port && { port }), readiness: patient };
      },
      ask: (headers) => this.#ask(host, headers),
      hold: (kind) => (kind === 'request' ? this.#holdRequest(host) : this.#holdStream(host)),
      killInstance: async (id) => {
        const meta = await readFile(join(this.#directory, 'agent/instances', id, 'meta.json'), 'utf8');
        process.kill(-JSON.parse(meta).identity.pid, 'SIGKILL');
      },
      restartAdapter: async (meanwhile = async () => {}) => {
        await this.#local.stop();
        await meanwhile();
        this.#local = await startDriver(this.#directory, this.#port);
      },
      until: async (what, look, timeoutMs = 30_000) => {
        type Found = { value: Exclude<Awaited<ReturnType<typeof look>>, undefined> };
        const found = await eventually<Found | undefined>(
          what,
          async () => {
            const value = await look();
            return value === undefined ? undefined : ({ value } as Found);
          },
          { timeoutMs },
        );
        return found.value;
      },
    };
  }

  async #ask(host: string, headers: Readonly<Record<string, string>> = {}): Promise<string | null> {
    const answer = await this.network.request({
      url: `http://${host}/`,
      connectTo: { host: '127.0.0.1', port: this.#port },
      ...{ headers, timeoutMs: 10_000, fresh: true },
    });
    return answer.headers[REVISION_HEADER] ?? null;
  }

  /** By POST, which the router sends to one instance and never to another. */
  async #holdRequest(host: string): Promise<HeldRequest> {
    const file = join(this.#directory, `held-${this.#held++}`);
    const outcome = this.network
      .request({
        url: `http://${host}/until?file=${file}`,
        method: 'POST',
        connectTo: { host: '127.0.0.1', port: this.#port },
        ...{ timeoutMs: 60_000, fresh: true },
      })
      .then(
        ({ status }) => (status === 200 ? ('answered' as const) : ('failed' as const)),
        () => 'failed' as const,
      );
    await eventually('an instance has the request', () => existsSync(`${file}.in`), { timeoutMs: 30_000 });
    return { outcome, letGo: () => writeFile(file, '') };
  }

  /** A WebSocket, which the application closes with 1001 at SIGTERM. */
  async #holdStream(host: string): Promise<HeldRequest> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/live`, { headers: { host } });
    const outcome = once(socket, 'close').then(([code]) =>
      code === 1_001 ? ('answered' as const) : ('failed' as const),
    );
    outcome.catch(() => undefined);
    await once(socket, 'open');
    return { outcome, letGo: async () => socket.close() };
  }
}

const startDriver = (directory: string, port: number): Promise<LocalDriver> =>
  createLocalDriver({
    dataDirectory: directory,
    routerControl: new ControlSocketClient(join(directory, 'router.sock')),
    artifacts: async () => ARTIFACT,
    secrets: async () => ({}),
    ...{ processes: nodeProcesses(), network: nodeNetwork(), files: nodeFiles() },
    ...{ clock: systemClock(), random: systemRandom(), log: silentLog },
    entry: { host: '127.0.0.1', port },
    proof: { requests: 3 },
  });
