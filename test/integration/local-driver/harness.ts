import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RouteSpec } from '../../../src/api/application.ts';
import type {
  ServiceKey,
  WorkloadKey,
  WorkloadObservation,
  WorkloadWish,
} from '../../../src/drivers/cluster-driver.ts';
import { createLocalDriver, type LocalDriver } from '../../../src/drivers/local/local-driver.ts';
import type { LocalDriverOptions } from '../../../src/drivers/local/options.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { nodeFiles } from '../../../src/lib/files-node.ts';
import { createLog } from '../../../src/lib/log.ts';
import { nodeNetwork } from '../../../src/lib/network-node.ts';
import { nodeProcesses } from '../../../src/lib/processes-node.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { ControlSocketClient } from '../../../src/router/control-socket-client.ts';
import { type RouterHandle, startRouter } from '../../../src/router/router.ts';
import { eventually } from '../../support/eventually.ts';

/** A route as the API would store it. */
export const routeDefaults = (route: Parameters<typeof RouteSpec.parse>[0]): RouteSpec =>
  RouteSpec.parse(route);

/** Directory of the application of these tests. */
export const ARTIFACT = dirname(fileURLToPath(import.meta.url));
export const SERVICE: ServiceKey = {
  namespace: 'default',
  application: 'shop',
  environment: 'local',
  workload: 'shop',
};
export const key = (version: string): WorkloadKey => ({ ...SERVICE, version });
export const HOST = 'shop.localhost';

/** The test application as a Revision pins it. */
export const workloadSpec = (
  version: string,
  more: Partial<WorkloadWish['spec']> = {},
): WorkloadWish['spec'] => ({
  name: 'shop',
  type: 'service',
  artifact: `sha256:${'0'.repeat(64)}`,
  command: ['node', 'app.mjs'],
  port: { env: 'PORT' },
  readiness: {
    http: { path: '/healthz', expectStatus: [200] },
    interval: '50ms',
    timeout: '1s',
    failureThreshold: 2,
    startTimeout: '10s',
  },
  drain: { timeout: '5s', streamTimeout: '5s', grace: '5s' },
  ...more,
  env: { VERSION: version, ...more.env },
});

const routerOf = (directory: string, port: number): Promise<RouterHandle> =>
  startRouter({
    listen: [{ host: '127.0.0.1', port }],
    controlPath: join(directory, 'router.sock'),
    tableFile: join(directory, 'router-table.json'),
    log: createLog({ process: 'router', level: 'error' }),
  });

/** A real router, a real driver, real processes, in a temporary directory. */
export class Machine {
  readonly directory: string;
  #router: RouterHandle;
  readonly lines: string[] = [];
  readonly network = nodeNetwork();
  readonly processes = nodeProcesses();
  #local: LocalDriver | undefined;
  readonly #options: Partial<LocalDriverOptions>;
  #sequence = 0;

  private constructor(directory: string, router: RouterHandle, options: Partial<LocalDriverOptions>) {
    this.directory = directory;
    this.#router = router;
    this.#options = options;
  }

  static async start(options: Partial<LocalDriverOptions> = {}): Promise<Machine> {
    const directory = await mkdtemp(join(tmpdir(), 'slipway-local-'));
    await chmod(directory, 0o711);
    const router = await routerOf(directory, 0);
    const machine = new Machine(directory, router, options);
    await machine.startDriver();
    return machine;
  }

  get local(): LocalDriver {
    if (this.#local === undefined) throw new Error('the driver is not running');
    return this.#local;
  }
  get port(): number {
    return this.#router.addresses[0]?.port ?? 0;
  }
  /** Over the socket, as an agent has it. */
  get control(): ControlSocketClient {
    return new ControlSocketClient(join(this.directory, 'router.sock'), { deadlineMs: 2_000 });
  }

  /** The router ends with all that is inside it. */
  async stopRouter(): Promise<void> {
    await this.#router.stop(0);
  }

  /** On the port that it had. */
  async startRouter(): Promise<void> {
    this.#router = await routerOf(this.directory, this.port);
  }

  async startDriver(options: Partial<LocalDriverOptions> = {}): Promise<void> {
    this.#local = await createLocalDriver({
      dataDirectory: this.directory,
      routerControl: this.control,
      artifacts: async () => ARTIFACT,
      secrets: async () => ({}),
      processes: this.processes,
      network: this.network,
      files: nodeFiles(),
      clock: systemClock(),
      random: systemRandom(),
      log: createLog({ process: 'agent', level: 'debug', write: (line) => this.lines.push(line) }),
      entry: { host: '127.0.0.1', port: this.port },
      proof: { requests: 3 },
      ...this.#options,
      ...options,
    });
  }

  async stopDriver(): Promise<void> {
    await this.#local?.stop();
    this.#local = undefined;
  }

  async stop(): Promise<void> {
    if (this.#local === undefined) await this.startDriver();
    await this.local.stopWithInstances(0);
    await this.stopRouter();
    this.network.close();
    // The router may still be writing the last table that it was given.
    await rm(this.directory, { recursive: true, maxRetries: 10, retryDelay: 20 });
  }

  /** Wants so many instances of the test application. */
  async want(version: string, replicas: number, more: Partial<WorkloadWish['spec']> = {}): Promise<void> {
    this.#sequence += 1;
    await this.local.driver.setWorkload({
      key: key(version),
      replicas,
      fence: { subject: 'release/default/x', epoch: 1, sequence: this.#sequence },
      spec: workloadSpec(version, more),
    });
  }

  async traffic(
    weights: Record<string, number>,
    routes: readonly RouteSpec[] = [routeDefaults({ host: HOST })],
  ) {
    this.#sequence += 1;
    return await this.local.trafficRouter.setTraffic({
      service: SERVICE,
      routes,
      weights,
      aliases: { new: null, old: null },
      fence: { subject: 'release/default/x', epoch: 1, sequence: this.#sequence },
    });
  }

  /** Observes until it looks so. */
  async seen(
    version: string,
    what: string,
    is: (seen: WorkloadObservation) => boolean,
    timeoutMs = 20_000,
  ): Promise<WorkloadObservation> {
    let last: WorkloadObservation | undefined;
    try {
      return await eventually(
        `${version}: ${what}`,
        async () => {
          last = await this.local.driver.observe(key(version));
          return last !== undefined && is(last) ? last : undefined;
        },
        { timeoutMs },
      );
    } catch (error) {
      throw new Error(`${version}: ${what}; last seen ${JSON.stringify(last, null, 1)}`, { cause: error });
    }
  }

  serving(version: string, count: number): Promise<WorkloadObservation> {
    return this.seen(
      version,
      `${count} instances serve`,
      (seen) =>
        seen.instances.filter(({ admitted }) => admitted).length === count && seen.instances.length === count,
    );
  }

  /** kill -9 of a whole instance, wrapper included. */
  async killInstance(id: string): Promise<void> {
    const meta = await readFile(join(this.directory, 'agent/instances', id, 'meta.json'), 'utf8');
    process.kill(-JSON.parse(meta).identity.pid, 'SIGKILL');
  }

  async log(instance: string): Promise<string[]> {
    const lines: string[] = [];
    const query = { instance, follow: false, tailLines: 1_000 };
    for await (const { line } of this.local.logs.read(query, AbortSignal.timeout(5_000))) lines.push(line);
    return lines;
  }

  /** One request through the entry over a connection of its own. */
  async get(
    path = '/',
    method: 'GET' | 'POST' = 'GET',
  ): Promise<{ status: number; body: string; version: string | undefined }> {
    const answer = await this.network.request({
      url: `http://${HOST}${path}`,
      method,
      connectTo: { host: '127.0.0.1', port: this.port },
      timeoutMs: 10_000,
      fresh: true,
    });
    return {
      status: answer.status,
      body: answer.body.toString(),
      version: answer.headers['slipway-revision'],
    };
  }
}
