import type {
  ClusterDriver,
  DrainRecord,
  Fence,
  InstanceObservation,
  PreviewAnswer,
  PreviewRequest,
  ProofEvidence,
  ServiceKey,
  ServiceTotals,
  TrafficRouter,
  TrafficWish,
  WorkloadKey,
  WorkloadObservation,
  WorkloadProblem,
  WorkloadWish,
} from '../../src/drivers/cluster-driver.ts';
import { type Clock, instant } from '../../src/lib/clock.ts';
import { SlipwayError } from '../../src/lib/errors.ts';

/** How the instances of one version behave. */
export interface Behaviour {
  /** From start to ready. Infinity: never. */
  readonly startMs: number;
  /** From ready to proven through the preview. Infinity: answers its probe and no request. */
  readonly proveMs: number;
  /** From retiring to gone. */
  readonly drainMs: number;
  /** What is inside an instance when it begins to retire. */
  readonly inside: { readonly requests: number; readonly streams: number };
  /** Shown while not everything that is wanted is ready. */
  readonly problem: WorkloadProblem | null;
  /** Of a migration: from start to its end, with this code. */
  readonly job: { readonly ms: number; readonly exitCode: number };
  readonly preview: (request: PreviewRequest) => Omit<PreviewAnswer, 'version' | 'ms'>;
}

const DEFAULT: Behaviour = {
  startMs: 5,
  proveMs: 2,
  drainMs: 5,
  inside: { requests: 1, streams: 0 },
  problem: null,
  job: { ms: 5, exitCode: 0 },
  preview: () => ({ status: 200, headers: {}, body: 'ok' }),
};

interface Instance {
  readonly id: string;
  readonly startedAt: string;
  readonly port: number;
  state: InstanceObservation['state'];
  proven: boolean;
  exitCode: number | null;
  timers: Disposable[];
}

interface Workload {
  wish: WorkloadWish;
  readonly instances: Instance[];
  readonly drains: DrainRecord[];
  removing: boolean;
}

interface Service {
  wish: TrafficWish | undefined;
  totals: { requests: number; failed: number };
  failures: Record<string, number>;
  byVersion: Record<string, { requests: number; failed: number }>;
}

/** What the model did, in order: what a test or the simulator looks at. */
export type ModelEvent =
  | { readonly type: 'wish'; readonly version: string; readonly replicas: number; readonly fence: Fence }
  | { readonly type: 'remove' | 'restart' | 'started'; readonly version: string }
  | {
      readonly type: 'traffic';
      readonly service: string;
      readonly weights: Readonly<Record<string, number>>;
      readonly fence: Fence;
    }
  | { readonly type: 'removeService'; readonly service: string };

type Operation =
  | 'setWorkload'
  | 'removeWorkload'
  | 'observe'
  | 'setTraffic'
  | 'traffic'
  | 'proveAfter'
  | 'totals';

/**
 * A cluster in memory that keeps the promises of ClusterDriver and TrafficRouter: wishes are durable (they
 * outlive the agent), instances start, get ready, are proven and drain in the clock's time, lower epochs are
 * refused, and traffic to what is not proven is refused.
 */
export class ModelCluster {
  readonly events: ModelEvent[] = [];
  readonly driver: ClusterDriver;
  readonly trafficRouter: TrafficRouter;
  readonly #clock: Clock;
  readonly #behaviours = new Map<string, Behaviour>();
  readonly #workloads = new Map<string, Workload>();
  readonly #services = new Map<string, Service>();
  readonly #fences = new Map<string, number>();
  readonly #listeners = new Set<(key: WorkloadKey) => void>();
  readonly #faults = new Map<Operation, Error[]>();
  readonly #load = new Map<string, { requests: number; streams: number }>();
  #generation = 0;
  #nextInstance = 1;
  /** Replaces the proof after; null: the entry shows what was written. */
  proof: (() => Partial<ProofEvidence>) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.driver = this.#makeDriver();
    this.trafficRouter = this.#makeRouter();
  }

  /** From then on, for instances that start later too. */
  behave(version: string, behaviour: Partial<Behaviour>): void {
    this.#behaviours.set(version, { ...this.#behaviourOf(version), ...behaviour });
  }

  /** The next calls of this operation throw these, one each. */
  fail(operation: Operation, ...errors: Error[]): void {
    this.#faults.set(operation, [...(this.#faults.get(operation) ?? []), ...errors]);
  }

  setLoad(version: string, load: { requests: number; streams: number }): void {
    this.#load.set(version, load);
  }

  /** Requests that the entry has answered, and what failed. */
  count(service: ServiceKey, version: string, requests: number, failed = 0, cause = 'reset'): void {
    const counts = this.#service(service);
    const of = counts.byVersion[version] ?? { requests: 0, failed: 0 };
    counts.byVersion[version] = { requests: of.requests + requests, failed: of.failed + failed };
    counts.totals = { requests: counts.totals.requests + requests, failed: counts.totals.failed + failed };
    if (failed > 0) counts.failures[cause] = (counts.failures[cause] ?? 0) + failed;
  }

  /** Kills one instance from outside; the driver replaces it. */
  crash(version: string): void {
    for (const workload of this.#workloads.values()) {
      if (workload.wish.key.version !== version) continue;
      const victim = workload.instances.find(({ state }) => state === 'ready' || state === 'starting');
      if (victim !== undefined) this.#drop(workload, victim);
      this.#reconcile(workload);
      this.#changed(workload);
    }
  }

  weights(service: ServiceKey): Readonly<Record<string, number>> {
    return this.#services.get(serviceId(service))?.wish?.weights ?? {};
  }

  /** Ready instances of a version that take traffic. */
  serving(version: string): number {
    for (const workload of this.#workloads.values()) {
      if (workload.wish.key.version === version)
        return workload.instances.filter(({ proven }) => proven).length;
    }
    return 0;
  }

  stop(): void {
    for (const { instances } of this.#workloads.values()) for (const one of instances) disarm(one);
  }

  #makeDriver(): ClusterDriver {
    return {
      name: 'local',
      setWorkload: async (wish) => {
        this.#fault('setWorkload');
        this.#admit(wish.fence);
        const id = keyId(wish.key);
        const workload: Workload = this.#workloads.get(id) ?? {
          wish,
          instances: [],
          drains: [],
          removing: false,
        };
        workload.wish = wish;
        workload.removing = false;
        this.#workloads.set(id, workload);
        this.events.push({
          type: 'wish',
          version: wish.key.version,
          replicas: wish.replicas,
          fence: wish.fence,
        });
        this.#reconcile(workload);
        this.#changed(workload);
      },
      removeWorkload: async (key) => {
        this.#fault('removeWorkload');
        const workload = this.#workloads.get(keyId(key));
        if (workload === undefined) return;
        this.events.push({ type: 'remove', version: key.version });
        workload.removing = true;
        workload.wish = { ...workload.wish, replicas: 0 };
        this.#reconcile(workload);
        this.#changed(workload);
      },
      restartWorkload: async (key) => {
        const workload = this.#workloads.get(keyId(key));
        if (workload === undefined) throw new SlipwayError('notFound', `no workload ${key.version}`);
        this.events.push({ type: 'restart', version: key.version });
        const old = workload.instances.filter(({ state }) => state !== 'retiring');
        for (const _ of old) this.#start(workload);
        const startMs = this.#behaviourOf(key.version).startMs;
        if (!Number.isFinite(startMs)) return;
        this.#clock.setTimer(startMs + 1, () => {
          for (const instance of old) this.#retire(workload, instance);
          this.#changed(workload);
        });
      },
      observe: async (key) => {
        this.#fault('observe');
        const workload = this.#workloads.get(keyId(key));
        return workload === undefined ? undefined : this.#observation(workload);
      },
      list: async () => [...this.#workloads.values()].map((workload) => this.#observation(workload)),
      onChange: (callback) => {
        this.#listeners.add(callback);
        return { [Symbol.dispose]: () => this.#listeners.delete(callback) };
      },
    };
  }

  #makeRouter(): TrafficRouter {
    return {
      name: 'model',
      lagMs: 0,
      setTraffic: async (wish) => {
        this.#fault('setTraffic');
        this.#admit(wish.fence);
        const refusal = this.#refusal(wish);
        if (refusal !== null) return { ok: false, reason: refusal };
        this.#service(wish.service).wish = wish;
        this.#generation += 1;
        this.events.push({
          type: 'traffic',
          service: wish.service.workload,
          weights: wish.weights,
          fence: wish.fence,
        });
        return { ok: true, flipMs: 0.3, at: instant(this.#clock.now()), generation: this.#generation };
      },
      traffic: async (service) => {
        this.#fault('traffic');
        return this.#services.get(serviceId(service))?.wish;
      },
      removeService: async (service, fence) => {
        this.#admit(fence);
        this.events.push({ type: 'removeService', service: service.workload });
        this.#service(service).wish = undefined;
      },
      proveAfter: async ({ service, signal }) => {
        this.#fault('proveAfter');
        signal.throwIfAborted();
        const weights = this.weights(service);
        return {
          ok: Object.keys(weights).length > 0,
          seen: Object.fromEntries(Object.entries(weights).map(([v, w]) => [v, Math.round(w / 5)])),
          requests: 20,
          failed: 0,
          convergedMs: 0,
          basis: 'version header',
          message: '',
          ...this.proof?.(),
        };
      },
      totals: async (service) => {
        this.#fault('totals');
        const counts = this.#services.get(serviceId(service));
        if (counts === undefined) return null;
        return {
          source: 'router',
          ...counts.totals,
          failures: { ...counts.failures },
          byVersion: { ...counts.byVersion },
        } satisfies ServiceTotals;
      },
      load: async (_service, version) => this.#load.get(version) ?? { requests: 0, streams: 0 },
      preview: async (_service, version, request) => ({
        ...this.#behaviourOf(version).preview(request),
        version,
        ms: 1,
      }),
    };
  }

  /** INV-2, and INV-1 for versions whose share rises. */
  #refusal(wish: TrafficWish): string | null {
    const total = Object.values(wish.weights).reduce((sum, weight) => sum + weight, 0);
    if (total !== 100) return `the weights sum to ${total} (INV-2)`;
    const before = this.#services.get(serviceId(wish.service))?.wish?.weights ?? {};
    for (const [version, weight] of Object.entries(wish.weights)) {
      if (weight > (before[version] ?? 0) && this.serving(version) === 0) {
        return `${version} has no proven instance (INV-1)`;
      }
    }
    return null;
  }

  #admit({ subject, epoch }: Fence): void {
    const highest = this.#fences.get(subject) ?? epoch;
    if (epoch < highest) {
      throw new SlipwayError('refused', `epoch ${epoch} of ${subject} is older than ${highest} (INV-12)`);
    }
    this.#fences.set(subject, epoch);
  }

  #reconcile(workload: Workload): void {
    const { wish, instances } = workload;
    const staying = instances.filter(({ state }) => state !== 'retiring' && state !== 'exited');
    const ended =
      wish.spec.type === 'migration' ? instances.filter(({ state }) => state === 'exited').length : 0;
    for (let n = staying.length + ended; n < wish.replicas; n += 1) this.#start(workload);
    // What is not ready goes first, then the newest.
    const surplus = [...staying]
      .reverse()
      .sort((a, b) => Number(a.proven) - Number(b.proven))
      .slice(0, Math.max(0, staying.length - wish.replicas));
    for (const instance of surplus) this.#retire(workload, instance);
    if (workload.removing) {
      for (const instance of instances.filter(({ state }) => state === 'exited'))
        this.#drop(workload, instance);
      this.#forgetIfGone(workload);
    }
  }

  #start(workload: Workload): void {
    const { version } = workload.wish.key;
    const behaviour = this.#behaviourOf(version);
    const number = this.#nextInstance++;
    const instance: Instance = {
      id: `${version}-${number}`,
      startedAt: instant(this.#clock.now()),
      port: 20_000 + number,
      state: 'starting',
      proven: false,
      exitCode: null,
      timers: [],
    };
    workload.instances.push(instance);
    this.events.push({ type: 'started', version });
    const after = (ms: number, act: () => void) => {
      if (!Number.isFinite(ms)) return;
      instance.timers.push(
        this.#clock.setTimer(ms, () => {
          if (instance.state === 'retiring' || instance.state === 'exited') return;
          act();
          this.#changed(workload);
        }),
      );
    };
    if (workload.wish.spec.type === 'migration') {
      after(behaviour.job.ms, () => {
        instance.state = 'exited';
        instance.exitCode = behaviour.job.exitCode;
      });
      return;
    }
    after(behaviour.startMs, () => {
      instance.state = 'ready';
    });
    after(behaviour.startMs + behaviour.proveMs, () => {
      instance.proven = true;
    });
  }

  #retire(workload: Workload, instance: Instance): void {
    if (instance.state === 'retiring' || instance.state === 'exited') return;
    const began = this.#clock.now();
    const { drainMs, inside } = this.#behaviourOf(workload.wish.key.version);
    const wasServing = instance.proven;
    disarm(instance);
    instance.state = 'retiring';
    instance.proven = false;
    if (!Number.isFinite(drainMs)) return;
    instance.timers.push(
      this.#clock.setTimer(drainMs, () => {
        this.#drop(workload, instance);
        workload.drains.push({
          instance: instance.id,
          startedAt: instant(began),
          ms: this.#clock.now() - began,
          requests: wasServing ? inside.requests : 0,
          streams: wasServing ? inside.streams : 0,
          cut: 0,
        });
        this.#forgetIfGone(workload);
        this.#changed(workload);
      }),
    );
  }

  #drop(workload: Workload, instance: Instance): void {
    disarm(instance);
    const index = workload.instances.indexOf(instance);
    if (index >= 0) workload.instances.splice(index, 1);
  }

  #forgetIfGone(workload: Workload): void {
    if (workload.removing && workload.instances.length === 0)
      this.#workloads.delete(keyId(workload.wish.key));
  }

  #observation({ wish, instances, drains }: Workload): WorkloadObservation {
    const weight = this.#weightOf(wish.key);
    const ready = instances.filter(({ state }) => state === 'ready').length;
    return {
      key: wish.key,
      wanted: wish.replicas,
      instances: instances.map((instance) => ({
        id: instance.id,
        port: instance.port,
        state: instance.state,
        proven: instance.proven,
        admitted: instance.proven && weight > 0,
        startedAt: instance.startedAt,
        restarts: 0,
        rssBytes: null,
        cpuMs: null,
        ...(instance.state === 'exited' ? { exitCode: instance.exitCode } : {}),
      })),
      ready,
      proven: instances.filter(({ proven }) => proven).length,
      retiring: instances.filter(({ state }) => state === 'retiring').length,
      problem: ready < wish.replicas ? this.#behaviourOf(wish.key.version).problem : null,
      drains: [...drains],
    };
  }

  #weightOf({ version, ...key }: WorkloadKey): number {
    return this.#services.get(serviceId(key))?.wish?.weights[version] ?? 0;
  }

  #service(key: ServiceKey): Service {
    const id = serviceId(key);
    const service: Service = this.#services.get(id) ?? {
      wish: undefined,
      totals: { requests: 0, failed: 0 },
      failures: {},
      byVersion: {},
    };
    this.#services.set(id, service);
    return service;
  }

  #behaviourOf(version: string): Behaviour {
    return this.#behaviours.get(version) ?? DEFAULT;
  }

  #changed({ wish }: Workload): void {
    for (const listener of this.#listeners) listener(wish.key);
  }

  #fault(operation: Operation): void {
    const error = this.#faults.get(operation)?.shift();
    if (error !== undefined) throw error;
  }
}

const keyId = ({ namespace, application, environment, version }: WorkloadKey): string =>
  `${namespace}/${application}/${environment}/${version}`;
const serviceId = ({ namespace, application, environment, workload }: ServiceKey): string =>
  `${namespace}/${application}/${environment}/${workload}`;

function disarm(instance: Instance): void {
  for (const timer of instance.timers) timer[Symbol.dispose]();
  instance.timers = [];
}
