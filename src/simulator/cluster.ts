import type {
  ClusterDriver,
  Fence,
  ServiceKey,
  TrafficRouter,
  WorkloadKey,
  WorkloadWish,
} from '../drivers/cluster-driver.ts';
import type { Ports } from '../drivers/local/ports.ts';
import { SlipwayError } from '../lib/errors.ts';
import { AdmittedEpochs } from './admitted-epochs.ts';
import { type ClusterEffect, workloadId } from './cluster-effect.ts';
import { DataPlane, type PlaneFaults, serviceId } from './data-plane.ts';
import { SimulatedEntry } from './entry.ts';
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
  readonly #epochs = new AdmittedEpochs((...stale) => this.onStale(...stale));
  readonly #entry: SimulatedEntry;
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
    this.#entry = new SimulatedEntry({
      ...{ timeline, random, epochMs: options.epochMs, plane: this.plane, requests: this.requests },
      ...{ hand: this.hand, reads: this.reads, epochs: this.#epochs, workloads: this.workloads },
      told: (effect, fence) => this.onEffect(effect, fence),
      proven: (service) => this.onProof(service),
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

  /** The router's port as one process holds it. */
  trafficRouter(life: Life): TrafficRouter {
    return this.#entry.router(life);
  }

  #setWorkload(wish: WorkloadWish): void {
    this.#epochs.check(wish.fence);
    if (wish.replicas === 0) this.#checkNotNamed(wish.key);
    this.#epochs.admit(wish.fence);
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
}
