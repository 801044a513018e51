import type {
  Fence,
  PreviewAnswer,
  PreviewRequest,
  ProofEvidence,
  ServiceKey,
  TrafficRouter,
  TrafficWish,
  WorkloadKey,
} from '../drivers/cluster-driver.ts';
import { lateness, trafficRefusal } from '../drivers/local/admission.ts';
import { answersNeeded } from '../drivers/local/prove-after.ts';
import { routesRefusal } from '../drivers/local/route-table.ts';
import { instant } from '../lib/clock.ts';
import { messageOf, SlipwayError } from '../lib/errors.ts';
import type { AdmittedEpochs } from './admitted-epochs.ts';
import { type ClusterEffect, workloadId } from './cluster-effect.ts';
import { type DataPlane, type PlaneService, serviceId } from './data-plane.ts';
import type { ForeignHand } from './foreign-hand.ts';
import type { Life } from './life.ts';
import type { Reads } from './reads.ts';
import type { Requests } from './requests.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';
import type { SimulatedWorkload } from './workload.ts';

const PROOF_LOOK_MS = 50;

/** What an entry stands among. */
export interface EntrySurroundings {
  readonly timeline: Timeline;
  readonly random: SeededRandom;
  readonly epochMs: number;
  readonly plane: DataPlane;
  readonly requests: Requests;
  readonly hand: ForeignHand;
  readonly reads: Reads;
  readonly epochs: AdmittedEpochs;
  readonly workloads: ReadonlyMap<string, SimulatedWorkload>;
  told(effect: ClusterEffect, fence: Fence | null): void;
  /** A proof after a write of traffic was given. */
  proven(service: ServiceKey): void;
}

/** Where traffic enters the simulated cluster: the port TrafficRouter over its data plane. */
export class SimulatedEntry {
  readonly #around: EntrySurroundings;

  constructor(around: EntrySurroundings) {
    this.#around = around;
  }

  /** The port as one process holds it. */
  router(life: Life): TrafficRouter {
    const { plane, reads, epochs, timeline } = this.#around;
    return {
      name: 'simulated',
      lagMs: plane.faults.lagMs,
      setTraffic: (wish) => {
        reads.asksTraffic(wish.service, Object.keys(wish.weights));
        return life.call(() => this.#setTraffic(wish), 0.2);
      },
      traffic: async (service) => {
        const read = await life.call(() => ({
          atMs: timeline.now,
          written: plane.services.get(serviceId(service))?.written,
        }));
        reads.traffic(service, read.atMs);
        return read.written;
      },
      removeService: (service, fence) =>
        life.call(async () => {
          const before = plane.services.get(serviceId(service))?.written;
          if (before === undefined) return;
          epochs.admit(fence);
          const late = lateness(fence, before.fence);
          if (late !== null) throw new SlipwayError('refused', late);
          await plane.write(service, undefined);
          this.#around.told({ type: 'removeService', service, before }, fence);
        }, 0.2),
      proveAfter: ({ service, deadlineMs, signal }) =>
        life.call(() => this.#proveAfter(service, deadlineMs, signal)),
      totals: (service) => life.call(() => plane.totals(service) ?? NO_TOTALS),
      load: (service, version) => life.call(() => this.#load(service, version)),
      preview: (service, version, request) =>
        life.call(() => this.#preview({ ...service, version }, request)),
    };
  }

  async #setTraffic(wish: TrafficWish) {
    const before = this.#around.plane.services.get(serviceId(wish.service))?.written;
    const reason = this.#overtaken(wish.fence, before?.fence) ?? this.#refusal(wish, before);
    if (reason !== null) return { ok: false as const, reason };
    this.#around.epochs.admit(wish.fence);
    const { generation, flipMs } = await this.#around.plane.write(wish.service, wish);
    for (const version of Object.keys(wish.weights))
      if (before?.weights[version] === undefined) this.#around.requests.settled(wish.service, version);
    this.#around.told({ type: 'traffic', wish, before }, wish.fence);
    if (before !== undefined && JSON.stringify(before.weights) !== JSON.stringify(wish.weights))
      this.#around.hand.shifted(before);
    return {
      ok: true as const,
      flipMs,
      at: instant(this.#around.epochMs + this.#around.timeline.now),
      generation,
    };
  }

  #overtaken(fence: Fence, written: Fence | undefined): string | null {
    try {
      this.#around.epochs.check(fence);
    } catch (error) {
      return messageOf(error);
    }
    return written === undefined ? null : lateness(fence, written);
  }

  #refusal(wish: TrafficWish, before: TrafficWish | undefined): string | null {
    const others = [...this.#around.plane.services.values()].flatMap(({ written }) =>
      written === undefined || serviceId(written.service) === serviceId(wish.service) ? [] : [written],
    );
    const routes = routesRefusal(wish, others);
    if (routes !== null) return routes;
    const reason = trafficRefusal(wish, before, (version) => {
      const key = { ...wish.service, version };
      const wanted = this.#around.workloads.get(workloadId(key))?.wish.replicas ?? 0;
      return { wanted, proven: this.#around.workloads.get(workloadId(key))?.serving ?? 0 };
    });
    if (reason?.includes('INV-1') === true)
      this.#around.told({ type: 'refused', rule: 'INV-1', reason, wish, before }, wish.fence);
    return reason;
  }

  async #preview(key: WorkloadKey, { path, timeoutMs }: PreviewRequest): Promise<PreviewAnswer> {
    const workload = this.#around.workloads.get(workloadId(key));
    const ready = workload?.staying.filter(({ state }) => state === 'ready') ?? [];
    if (workload === undefined || ready.length === 0)
      throw new SlipwayError('unavailable', `${key.version} has no instance that is ready`);
    if (!ready.some(({ proven }) => proven)) {
      await this.#around.timeline.wait(timeoutMs);
      throw Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
    }
    const { gateStatus, gateFlakiness, answers } = workload.program;
    const told = answers?.[path];
    const ms = told?.ms ?? 5;
    await this.#around.timeline.wait(Math.min(ms, timeoutMs));
    if (ms > timeoutMs)
      throw Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
    const status = this.#around.random.chance(gateFlakiness) ? 500 : gateStatus;
    if (told !== undefined && status === 200) return { ...told, version: key.version };
    return { status, headers: {}, body: '', version: key.version, ms };
  }

  /** Asks fresh connections until the data plane shows what was written and nothing else. */
  async #proveAfter(service: ServiceKey, deadlineMs: number, signal: AbortSignal): Promise<ProofEvidence> {
    const began = this.#around.timeline.now;
    if (this.#around.plane.services.get(serviceId(service))?.written === undefined)
      throw new SlipwayError('refused', `${serviceId(service)} has no traffic that could be proven`);
    for (;;) {
      signal.throwIfAborted();
      const known = this.#around.plane.service(service);
      const wanted = known.written?.weights ?? {};
      const shown = known.inForce?.weights ?? {};
      const same = JSON.stringify(wanted) === JSON.stringify(shown);
      const answers = Object.keys(wanted).every((version) => (known.pools.get(version)?.size ?? 0) > 0);
      const ok = !this.#around.plane.isDown && same && answers && Object.keys(wanted).length > 0;
      const elapsed = this.#around.timeline.now - began;
      if (ok) this.#around.proven(service);
      if (ok || elapsed >= deadlineMs) return this.#evidence(known, ok, elapsed);
      await this.#around.timeline.wait(PROOF_LOOK_MS);
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
      for (let n = 0; n < count; n += 1) this.#around.plane.count(service, version, null);
    return {
      ...{ ok, seen, requests, failed: ok ? 0 : requests, convergedMs: elapsed },
      basis: 'version header',
      message: ok ? '' : 'the entry does not answer as written',
    };
  }

  #load(service: ServiceKey, version: string): { requests: number; streams: number } {
    const instances = this.#around.workloads.get(workloadId({ ...service, version }))?.instances ?? [];
    return {
      requests: instances.reduce((sum, { requests }) => sum + requests, 0),
      streams: instances.reduce((sum, { streams }) => sum + streams, 0),
    };
  }
}

/** Nothing was asked of it yet, and that is measured. */
const NO_TOTALS = { source: 'router', requests: 0, failed: 0, failures: {}, byVersion: {} } as const;
