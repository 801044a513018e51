import type {
  ClusterDriver,
  Fence,
  PreviewAnswer,
  PreviewRequest,
  ProofEvidence,
  ServiceKey,
  TrafficRouter,
  TrafficWish,
  WorkloadKey,
  WorkloadWish,
} from '../drivers/cluster-driver.ts';
import { lateness, trafficRefusal } from '../drivers/local/admission.ts';
import type { Ports } from '../drivers/local/ports.ts';
import { answersNeeded } from '../drivers/local/prove-after.ts';
import { routesRefusal } from '../drivers/local/route-table.ts';
import { instant } from '../lib/clock.ts';
import { messageOf, SlipwayError } from '../lib/errors.ts';
import { DataPlane, type PlaneFaults, type PlaneService, serviceId } from './data-plane.ts';
import type { FaultTally } from './fault-tally.ts';
import { ForeignHand } from './foreign-hand.ts';
import type { Ledger } from './ledger.ts';
import type { Life } from './life.ts';
import { simulatedPorts } from './ports.ts';
import type { Programs } from './program.ts';
import { ProvenKiller } from './proven-killer.ts';
import { Reads } from './reads.ts';
import { Requests } from './requests.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';
import { SimulatedWorkload } from './workload.ts';

/** An effect of ours on the cluster, told after it happened. */
export type ClusterEffect =
  | { readonly type: 'wish'; readonly wish: WorkloadWish; readonly before: number | null }
  | { readonly type: 'restart'; readonly key: WorkloadKey }
  | { readonly type: 'remove'; readonly key: WorkloadKey; readonly before: number }
  | { readonly type: 'traffic'; readonly wish: TrafficWish; readonly before: TrafficWish | undefined }
  | {
      readonly type: 'removeService';
      readonly service: ServiceKey;
      readonly before: TrafficWish | undefined;
    }
  /** Was asked for and refused: the guard of the adapter held, and whoever asked may have been wrong. */
  | {
      readonly type: 'refused';
      readonly rule: 'INV-1' | 'INV-5';
      readonly reason: string;
      readonly wish: TrafficWish | WorkloadKey;
      readonly before: TrafficWish | undefined;
    };

export const workloadId = ({ namespace, application, environment, version }: WorkloadKey): string =>
  `${namespace}/${application}/${environment}/${version}`;

const PROOF_LOOK_MS = 50;

/**
 * A cluster in virtual time behind the ports of drivers/cluster-driver.ts: it goes on towards the wishes
 * without an agent, refuses what the ports refuse (drivers/conformance/ says what that is, and runs on the local
 * driver too) and judges nothing else. Who looks for violations is told of every effect, and of what was refused.
 */
export class SimulatedCluster {
  readonly plane: DataPlane;
  readonly requests: Requests;
  /** Somebody else, who writes over what we wrote. */
  readonly hand: ForeignHand;
  readonly reads: Reads;
  readonly killer: ProvenKiller;
  readonly workloads = new Map<string, SimulatedWorkload>();
  readonly programs: Programs;
  onEffect: (effect: ClusterEffect, fence: Fence | null) => void = () => {};
  /** A proof after a write of traffic was given. */
  onProof: (service: ServiceKey) => void = () => {};
  /** An order of an older epoch was carried out after one of a newer, and refused. */
  onStale: (subject: string, epoch: number, highest: number) => void = () => {};
  /** An instance took a port, or no table names its port any more. */
  onPort: (port: number, what: 'taken' | 'left') => void = () => {};
  readonly #ports: Ports;
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  readonly #epochMs: number;
  readonly #tally: FaultTally;
  readonly #fences = new Map<string, number>();
  readonly #listeners = new Set<(key: WorkloadKey) => void>();
  #nextNumber = 1;

  constructor(options: {
    timeline: Timeline;
    random: SeededRandom;
    programs: Programs;
    ledger: Ledger;
    epochMs: number;
    plane: PlaneFaults;
    tally: FaultTally;
  }) {
    const { timeline, random, programs, ledger, tally } = options;
    this.#timeline = timeline;
    this.#random = random;
    this.#tally = tally;
    this.#epochMs = options.epochMs;
    this.programs = programs;
    this.reads = new Reads(timeline);
    this.killer = new ProvenKiller(tally);
    this.plane = new DataPlane(timeline, random.split('plane'), options.plane, tally);
    this.#ports = simulatedPorts(timeline, random.split('ports'), options.epochMs);
    this.hand = new ForeignHand(timeline, this.plane, this.workloads);
    this.requests = new Requests({
      ...{ timeline, ledger, plane: this.plane, hand: this.hand },
      random: random.split('requests'),
    });
  }

  weights(service: ServiceKey): Readonly<Record<string, number>> {
    return this.plane.services.get(serviceId(service))?.written?.weights ?? {};
  }

  serving(key: WorkloadKey): number {
    return this.workloads.get(workloadId(key))?.serving ?? 0;
  }

  /** The driver's port as one process holds it. */
  driver(life: Life): ClusterDriver {
    return {
      name: 'local',
      setWorkload: (wish) => {
        if (wish.replicas === 0) this.reads.asksLess(wish.key);
        return life.call(() => this.#setWorkload(wish), 0.5);
      },
      removeWorkload: (key) => {
        this.reads.asksLess(key);
        return life.call(() => this.#removeWorkload(key), 0.5);
      },
      restartWorkload: (key) =>
        life.call(() => {
          const workload = this.workloads.get(workloadId(key));
          if (workload === undefined) throw new SlipwayError('notFound', `no workload ${key.version}`);
          workload.restart();
          this.onEffect({ type: 'restart', key }, null);
        }, 0.5),
      observe: async (key) => {
        const seen = await life.call(() => {
          const workload = this.workloads.get(workloadId(key));
          const observed = workload?.observe();
          if (workload !== undefined && observed !== undefined)
            this.killer.observed(observed, workload, this.weights(workload.service)[key.version] ?? 0);
          return observed;
        });
        this.reads.observed(seen);
        return seen;
      },
      list: () => life.call(() => [...this.workloads.values()].map((each) => each.observe())),
      onChange: (callback) => {
        const guarded = (key: WorkloadKey) => life.deliver(() => callback(key));
        this.#listeners.add(guarded);
        return { [Symbol.dispose]: () => this.#listeners.delete(guarded) };
      },
    };
  }

  trafficRouter(life: Life): TrafficRouter {
    const { plane } = this;
    return {
      name: 'simulated',
      lagMs: plane.faults.lagMs,
      setTraffic: (wish) => {
        this.reads.asksTraffic(wish.service, Object.keys(wish.weights));
        return life.call(() => this.#setTraffic(wish), 0.2);
      },
      traffic: async (service) => {
        const read = await life.call(() => ({
          atMs: this.#timeline.now,
          written: plane.services.get(serviceId(service))?.written,
        }));
        this.reads.traffic(service, read.atMs);
        return read.written;
      },
      removeService: (service, fence) =>
        life.call(async () => {
          const before = plane.services.get(serviceId(service))?.written;
          if (before === undefined) return;
          this.#admit(fence);
          const late = lateness(fence, before.fence);
          if (late !== null) throw new SlipwayError('refused', late);
          await plane.write(service, undefined);
          this.onEffect({ type: 'removeService', service, before }, fence);
        }, 0.2),
      proveAfter: ({ service, deadlineMs, signal }) =>
        life.call(() => this.#proveAfter(service, deadlineMs, signal)),
      totals: (service) => life.call(() => plane.totals(service) ?? NO_TOTALS),
      load: (service, version) => life.call(() => this.#load(service, version)),
      preview: (service, version, request) =>
        life.call(() => this.#preview({ ...service, version }, request)),
    };
  }

  #setWorkload(wish: WorkloadWish): void {
    this.#checkEpoch(wish.fence);
    if (wish.replicas === 0) this.#checkNotNamed(wish.key);
    this.#admit(wish.fence);
    const id = workloadId(wish.key);
    const known = this.workloads.get(id);
    const before = known?.wish.replicas ?? null;
    if (known !== undefined) known.want(wish);
    else {
      const workload = new SimulatedWorkload(wish, {
        timeline: this.#timeline,
        random: this.#random.split(`workload/${id}`),
        programs: this.programs,
        plane: this.plane,
        requests: this.requests,
        tally: this.#tally,
        ports: this.#ports,
        port: (port, what) => this.onPort(port, what),
        epochMs: this.#epochMs,
        nextNumber: () => this.#nextNumber++,
        changed: ({ wish: { key } }) => {
          for (const listener of this.#listeners) listener(key);
        },
        gone: () => this.workloads.delete(id),
      });
      this.workloads.set(id, workload);
      workload.reconcile();
    }
    this.onEffect({ type: 'wish', wish, before }, wish.fence);
    if (wish.replicas === 0 && (before ?? 0) > 0) this.hand.tookDown(wish.key);
  }

  #removeWorkload(key: WorkloadKey): void {
    this.#checkNotNamed(key);
    const workload = this.workloads.get(workloadId(key));
    if (workload === undefined) return;
    const before = workload.wish.replicas;
    workload.remove();
    this.onEffect({ type: 'remove', key, before }, null);
  }

  /** INV-5: nothing is taken to 0 while weights name it. */
  #checkNotNamed(key: WorkloadKey): void {
    const weight = this.weights(key)[key.version] ?? 0;
    if (weight === 0) return;
    const reason = `${key.version} still has ${weight} % of the traffic (INV-5)`;
    this.onEffect({ type: 'refused', rule: 'INV-5', reason, wish: key, before: undefined }, null);
    throw new SlipwayError('refused', reason);
  }

  async #setTraffic(wish: TrafficWish) {
    const before = this.plane.services.get(serviceId(wish.service))?.written;
    const reason = this.#overtaken(wish.fence, before?.fence) ?? this.#refusal(wish, before);
    if (reason !== null) return { ok: false as const, reason };
    this.#admit(wish.fence);
    const { generation, flipMs } = await this.plane.write(wish.service, wish);
    for (const version of Object.keys(wish.weights))
      if (before?.weights[version] === undefined) this.requests.settled(wish.service, version);
    this.onEffect({ type: 'traffic', wish, before }, wish.fence);
    if (before !== undefined && JSON.stringify(before.weights) !== JSON.stringify(wish.weights))
      this.hand.shifted(before);
    return { ok: true as const, flipMs, at: instant(this.#epochMs + this.#timeline.now), generation };
  }

  #overtaken(fence: Fence, written: Fence | undefined): string | null {
    try {
      this.#checkEpoch(fence);
    } catch (error) {
      return messageOf(error);
    }
    return written === undefined ? null : lateness(fence, written);
  }

  #refusal(wish: TrafficWish, before: TrafficWish | undefined): string | null {
    const others = [...this.plane.services.values()].flatMap(({ written }) =>
      written === undefined || serviceId(written.service) === serviceId(wish.service) ? [] : [written],
    );
    const routes = routesRefusal(wish, others);
    if (routes !== null) return routes;
    const reason = trafficRefusal(wish, before, (version) => {
      const key = { ...wish.service, version };
      const wanted = this.workloads.get(workloadId(key))?.wish.replicas ?? 0;
      return { wanted, proven: this.serving(key) };
    });
    if (reason?.includes('INV-1') === true)
      this.onEffect({ type: 'refused', rule: 'INV-1', reason, wish, before }, wish.fence);
    return reason;
  }

  async #preview(key: WorkloadKey, { path, timeoutMs }: PreviewRequest): Promise<PreviewAnswer> {
    const workload = this.workloads.get(workloadId(key));
    const ready = workload?.staying.filter(({ state }) => state === 'ready') ?? [];
    if (workload === undefined || ready.length === 0)
      throw new SlipwayError('unavailable', `${key.version} has no instance that is ready`);
    if (!ready.some(({ proven }) => proven)) {
      await this.#timeline.wait(timeoutMs);
      throw Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
    }
    const { gateStatus, gateFlakiness, answers } = workload.program;
    const told = answers?.[path];
    const ms = told?.ms ?? 5;
    await this.#timeline.wait(Math.min(ms, timeoutMs));
    if (ms > timeoutMs)
      throw Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
    const status = this.#random.chance(gateFlakiness) ? 500 : gateStatus;
    if (told !== undefined && status === 200) return { ...told, version: key.version };
    return { status, headers: {}, body: '', version: key.version, ms };
  }

  /** Asks fresh connections until the data plane shows what was written and nothing else. */
  async #proveAfter(service: ServiceKey, deadlineMs: number, signal: AbortSignal): Promise<ProofEvidence> {
    const began = this.#timeline.now;
    if (this.plane.services.get(serviceId(service))?.written === undefined)
      throw new SlipwayError('refused', `${serviceId(service)} has no traffic that could be proven`);
    for (;;) {
      signal.throwIfAborted();
      const known = this.plane.service(service);
      const wanted = known.written?.weights ?? {};
      const shown = known.inForce?.weights ?? {};
      const same = JSON.stringify(wanted) === JSON.stringify(shown);
      const answers = Object.keys(wanted).every((version) => (known.pools.get(version)?.size ?? 0) > 0);
      const ok = !this.plane.isDown && same && answers && Object.keys(wanted).length > 0;
      const elapsed = this.#timeline.now - began;
      if (ok) this.onProof(service);
      if (ok || elapsed >= deadlineMs) return this.#evidence(known, ok, elapsed);
      await this.#timeline.wait(PROOF_LOOK_MS);
    }
  }

  /** As if so many requests had been made: the data plane counts those of a proof like any others. */
  #evidence(service: PlaneService, ok: boolean, elapsed: number): ProofEvidence {
    const shown = Object.entries(service.inForce?.weights ?? {}).filter(([, weight]) => weight > 0);
    const needed = answersNeeded(shown.map(([, weight]) => weight));
    const seen: Record<string, number> = {};
    for (const [version, weight] of ok ? shown : []) seen[version] = Math.ceil((weight * needed) / 100);
    const requests = ok ? Object.values(seen).reduce((sum, count) => sum + count, 0) : needed;
    for (const [version, count] of Object.entries(seen))
      for (let n = 0; n < count; n += 1) this.plane.count(service, version, null);
    return {
      ...{ ok, seen, requests, failed: ok ? 0 : requests, convergedMs: elapsed },
      basis: 'version header',
      message: ok ? '' : 'the entry does not answer as written',
    };
  }

  #load(service: ServiceKey, version: string): { requests: number; streams: number } {
    const instances = this.workloads.get(workloadId({ ...service, version }))?.instances ?? [];
    return {
      requests: instances.reduce((sum, { requests }) => sum + requests, 0),
      streams: instances.reduce((sum, { streams }) => sum + streams, 0),
    };
  }

  #checkEpoch({ subject, epoch }: Fence): void {
    const highest = this.#fences.get(subject) ?? epoch;
    if (epoch >= highest) return;
    this.onStale(subject, epoch, highest);
    throw new SlipwayError('refused', `epoch ${epoch} of ${subject} is older than ${highest} (INV-12)`);
  }

  #admit(fence: Fence): void {
    this.#checkEpoch(fence);
    this.#fences.set(fence.subject, fence.epoch);
  }
}

/** Nothing was asked of it yet, and that is measured. */
const NO_TOTALS = { source: 'router', requests: 0, failed: 0, failures: {}, byVersion: {} } as const;
