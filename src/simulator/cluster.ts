import type {
  ClusterDriver,
  Fence,
  ServiceKey,
  TrafficRouter,
  TrafficWish,
  WorkloadKey,
  WorkloadWish,
} from '../drivers/cluster-driver.ts';
import { instant } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import { DataPlane, type PlaneFaults, serviceId } from './data-plane.ts';
import type { Ledger } from './ledger.ts';
import type { Life } from './life.ts';
import type { Programs } from './program.ts';
import { Requests } from './requests.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';
import { SimulatedWorkload } from './workload.ts';

/** An effect of ours on the cluster, told after it happened. */
export type ClusterEffect =
  | { readonly type: 'wish'; readonly wish: WorkloadWish; readonly before: number | null }
  | { readonly type: 'remove'; readonly key: WorkloadKey; readonly before: number }
  | { readonly type: 'traffic'; readonly wish: TrafficWish; readonly before: TrafficWish | undefined }
  | {
      readonly type: 'removeService';
      readonly service: ServiceKey;
      readonly before: TrafficWish | undefined;
    };

export const workloadId = ({ namespace, application, environment, version }: WorkloadKey): string =>
  `${namespace}/${application}/${environment}/${version}`;

const PROOF_LOOK_MS = 50;
/** Requests of a proof: 20 fresh connections. */
const PROOF_REQUESTS = 20;

/**
 * A cluster in virtual time behind the ports of drivers/cluster-driver.ts: it goes on towards the wishes
 * without an agent, refuses what the ports refuse (lower epochs, weights that do not sum to 100, traffic to
 * what is not proven) and judges nothing else. Who looks for violations is told of every effect.
 */
export class SimulatedCluster {
  readonly plane: DataPlane;
  readonly requests: Requests;
  readonly workloads = new Map<string, SimulatedWorkload>();
  readonly programs: Programs;
  onEffect: (effect: ClusterEffect, fence: Fence | null) => void = () => {};
  /** A proof after a write of traffic was given. */
  onProof: (service: ServiceKey) => void = () => {};
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  readonly #epochMs: number;
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
  }) {
    const { timeline, random, programs, ledger } = options;
    this.#timeline = timeline;
    this.#random = random;
    this.#epochMs = options.epochMs;
    this.programs = programs;
    this.plane = new DataPlane(timeline, random.split('plane'), options.plane);
    this.requests = new Requests({ timeline, random: random.split('requests'), plane: this.plane, ledger });
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
      setWorkload: (wish) => life.call(() => this.#setWorkload(wish), 0.5),
      removeWorkload: (key) => life.call(() => this.#removeWorkload(key), 0.5),
      restartWorkload: (key) =>
        life.call(() => {
          const workload = this.workloads.get(workloadId(key));
          if (workload === undefined) throw new SlipwayError('notFound', `no workload ${key.version}`);
          workload.restart();
        }, 0.5),
      observe: (key) =>
        life.call(() => {
          const workload = this.workloads.get(workloadId(key));
          return workload?.observe(this.weights(workload.service)[key.version] ?? 0);
        }),
      list: () =>
        life.call(() =>
          [...this.workloads.values()].map((each) =>
            each.observe(this.weights(each.service)[each.wish.key.version] ?? 0),
          ),
        ),
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
      setTraffic: (wish) => life.call(() => this.#setTraffic(wish), 0.2),
      traffic: (service) => life.call(() => plane.services.get(serviceId(service))?.written),
      removeService: (service, fence) =>
        life.call(async () => {
          this.#admit(fence);
          const before = plane.services.get(serviceId(service))?.written;
          if (before === undefined) return;
          await plane.write(service, undefined);
          this.onEffect({ type: 'removeService', service, before }, fence);
        }, 0.2),
      proveAfter: ({ service, deadlineMs, signal }) =>
        life.call(() => this.#proveAfter(service, deadlineMs, signal)),
      totals: (service) => life.call(() => plane.totals(service)),
      load: (service, version) => life.call(() => this.#load(service, version)),
      preview: (service, version, { path, timeoutMs }) =>
        life.call(async () => {
          const workload = this.workloads.get(workloadId({ ...service, version }));
          if (workload === undefined || workload.serving === 0)
            throw Object.assign(new Error('no instance answers'), { code: 'ECONNREFUSED' });
          const { gateStatus, gateFlakiness, answers } = workload.program;
          const told = answers?.[path];
          const ms = told?.ms ?? 5;
          await this.#timeline.wait(Math.min(ms, timeoutMs));
          if (ms > timeoutMs)
            throw Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
          const status = this.#random.chance(gateFlakiness) ? 500 : gateStatus;
          if (told !== undefined && status === 200) return { ...told, version };
          return { status, headers: {}, body: '', version, ms: 5 };
        }),
    };
  }

  #setWorkload(wish: WorkloadWish): void {
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
  }

  #removeWorkload(key: WorkloadKey): void {
    const workload = this.workloads.get(workloadId(key));
    if (workload === undefined) return;
    const before = workload.wish.replicas;
    workload.remove();
    this.onEffect({ type: 'remove', key, before }, null);
  }

  async #setTraffic(wish: TrafficWish) {
    this.#admit(wish.fence);
    const before = this.plane.services.get(serviceId(wish.service))?.written;
    const reason = this.#refusal(wish, before);
    if (reason !== null) return { ok: false as const, reason };
    const { generation, flipMs } = await this.plane.write(wish.service, wish);
    this.onEffect({ type: 'traffic', wish, before }, wish.fence);
    return { ok: true as const, flipMs, at: instant(this.#epochMs + this.#timeline.now), generation };
  }

  /** INV-2, and INV-1 for versions whose share rises. */
  #refusal(wish: TrafficWish, before: TrafficWish | undefined): string | null {
    const total = Object.values(wish.weights).reduce((sum, weight) => sum + weight, 0);
    if (total !== 100) return `the weights sum to ${total} (INV-2)`;
    for (const [version, weight] of Object.entries(wish.weights)) {
      if (weight > (before?.weights[version] ?? 0) && this.serving({ ...wish.service, version }) === 0)
        return `${version} has no proven instance (INV-1)`;
    }
    return null;
  }

  /** Asks fresh connections until the data plane shows what was written and nothing else. */
  async #proveAfter(service: ServiceKey, deadlineMs: number, signal: AbortSignal) {
    const began = this.#timeline.now;
    for (;;) {
      signal.throwIfAborted();
      const known = this.plane.services.get(serviceId(service));
      const wanted = known?.written?.weights ?? {};
      const shown = known?.inForce?.weights ?? {};
      const same = JSON.stringify(wanted) === JSON.stringify(shown);
      const answers = Object.keys(wanted).every((version) => (known?.pools.get(version)?.size ?? 0) > 0);
      const ok = !this.plane.isDown && same && answers && Object.keys(wanted).length > 0;
      const elapsed = this.#timeline.now - began;
      if (ok) this.onProof(service);
      if (ok || elapsed >= deadlineMs) {
        const seen = Object.fromEntries(
          Object.entries(shown).map(([version, weight]) => [
            version,
            Math.round((weight * PROOF_REQUESTS) / 100),
          ]),
        );
        return {
          ok,
          seen,
          requests: PROOF_REQUESTS,
          failed: ok ? 0 : PROOF_REQUESTS,
          convergedMs: elapsed,
          basis: 'version header',
          message: ok ? '' : 'the entry does not answer as written',
        };
      }
      await this.#timeline.wait(PROOF_LOOK_MS);
    }
  }

  #load(service: ServiceKey, version: string): { requests: number; streams: number } {
    const instances = this.workloads.get(workloadId({ ...service, version }))?.instances ?? [];
    return {
      requests: instances.reduce((sum, { requests }) => sum + requests, 0),
      streams: instances.reduce((sum, { streams }) => sum + streams, 0),
    };
  }

  #admit({ subject, epoch }: Fence): void {
    const highest = this.#fences.get(subject) ?? epoch;
    if (epoch < highest)
      throw new SlipwayError('refused', `epoch ${epoch} of ${subject} is older than ${highest} (INV-12)`);
    this.#fences.set(subject, epoch);
  }
}
