import type {
  DrainRecord,
  ServiceKey,
  WorkloadObservation,
  WorkloadWish,
} from '../drivers/cluster-driver.ts';
import { type BackendStates, backendStates } from '../drivers/local/backend-states.ts';
import { planWorkload, surgeOf } from '../drivers/local/plan-workload.ts';
import type { Ports } from '../drivers/local/ports.ts';
import { readinessOf } from '../drivers/local/readiness.ts';
import { instant } from '../lib/clock.ts';
import { durationMs } from '../lib/durations.ts';
import type { DataPlane } from './data-plane.ts';
import type { FaultTally } from './fault-tally.ts';
import { type InstanceEnd, type InstanceEvents, SimulatedInstance } from './instance.ts';
import type { Program, Programs } from './program.ts';
import type { Requests } from './requests.ts';
import { retireSimulated } from './retire.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';
import { WorkloadFailures } from './workload-failures.ts';

export interface WorkloadSurroundings {
  readonly timeline: Timeline;
  readonly random: SeededRandom;
  readonly programs: Programs;
  readonly plane: DataPlane;
  readonly requests: Requests;
  readonly ports: Ports;
  readonly tally: FaultTally;
  readonly epochMs: number;
  nextNumber(): number;
  changed(workload: SimulatedWorkload): void;
  /** An instance listens there from now on, or no table names it any more. */
  port(port: number, what: 'taken' | 'left'): void;
  gone(workload: SimulatedWorkload): void;
}

const KEPT_DRAINS = 50;

/**
 * One workload of one revision, supervised as its wish says, with or without an agent. Whom to start, to retire,
 * to admit and to complain about is decided by the local driver's own pure functions, so that there is nothing to
 * keep in step; processes, their time and the table are the model.
 */
export class SimulatedWorkload implements InstanceEvents {
  wish: WorkloadWish;
  removing = false;
  /** One of its instances was ready once. */
  everReady = false;
  readonly instances: SimulatedInstance[] = [];
  readonly #drains: DrainRecord[] = [];
  readonly #around: WorkloadSurroundings;
  readonly #failures = new WorkloadFailures();
  /** Rises with each restart that is asked for. */
  #round = 0;
  #timer: Disposable | undefined;

  constructor(wish: WorkloadWish, around: WorkloadSurroundings) {
    this.wish = wish;
    this.#around = around;
  }

  get program(): Program {
    return this.#around.programs.of(this.wish.spec.env);
  }

  get service(): ServiceKey {
    const { version: _version, ...service } = this.wish.key;
    return service;
  }

  get isJob(): boolean {
    return this.wish.spec.type === 'migration';
  }

  get takesTraffic(): boolean {
    return this.wish.spec.type === 'service' && this.wish.spec.port !== undefined;
  }

  /** Instances that stay: neither retiring nor ended. */
  get staying(): SimulatedInstance[] {
    return this.instances.filter(
      ({ state, retiringSinceMs }) => state !== 'exited' && retiringSinceMs === null,
    );
  }

  get serving(): number {
    return this.staying.filter(({ serves }) => serves).length;
  }

  /** A new order clears what failed under the old one. */
  want(wish: WorkloadWish): void {
    const { subject, epoch } = this.wish.fence;
    if (subject !== wish.fence.subject || epoch !== wish.fence.epoch) this.#failures.clear();
    this.wish = wish;
    this.removing = false;
    this.reconcile();
  }

  remove(): void {
    this.removing = true;
    this.wish = { ...this.wish, replicas: 0 };
    this.reconcile();
  }

  /** Every instance that runs now is replaced, new before old. */
  restart(): void {
    this.#round += 1;
    this.reconcile();
  }

  reconcile(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.removing) {
      for (const instance of this.instances.filter(({ state }) => state === 'exited')) this.#drop(instance);
      if (this.instances.length === 0) {
        this.#around.gone(this);
        this.#around.changed(this);
        return;
      }
    }
    const now = this.#now();
    const plan = planWorkload({
      replicas: this.wish.replicas,
      round: this.#round,
      surge: surgeOf(this.wish),
      takesTraffic: this.takesTraffic,
      members: this.instances.map((instance) => ({
        ...{ id: instance.id, ordinal: instance.ordinal, round: instance.round },
        state: instance.shown,
        admitted: instance.isInTable,
        restarts: instance.restarts,
        startedAt: this.#around.epochMs + instance.startedAtMs,
      })),
      notBefore: this.#failures.notBefore,
      now,
    });
    for (const id of plan.retire) this.#retire(id);
    for (const ordinal of plan.start) this.#start(ordinal);
    if (plan.wakeAt !== null)
      this.#timer = this.#around.timeline.after(Math.max(1, plan.wakeAt - now), () => this.reconcile());
    this.#around.changed(this);
  }

  changed(): void {
    this.everReady ||= this.instances.some(({ wasReady }) => wasReady);
    this.#followStates();
    this.reconcile();
  }

  ended(instance: SimulatedInstance, how: InstanceEnd): void {
    this.#leave(instance);
    if (instance.port !== null) {
      void this.#around.ports.quarantine(instance.port);
      this.#around.port(instance.port, 'left');
    }
    if (how.why !== 'order' && instance.retiringSinceMs === null) {
      this.#around.tally.add(instance.wasReady ? 'instance dies after ready' : 'instance dies before ready');
      if (instance.wasReady) this.#around.requests.died(this.service, instance.key.version);
      if (!this.isJob) this.#failures.count(instance, how, this.#now());
    }
    // A job that ran stays, so that it is not run again and its end can be read.
    if (!this.isJob || instance.retiringSinceMs !== null) this.#drop(instance);
    this.changed();
  }

  observe(): WorkloadObservation {
    const ready = this.instances.filter(({ shown }) => shown === 'ready');
    return {
      key: this.wish.key,
      wanted: this.wish.replicas,
      instances: this.instances.map((instance) => ({
        id: instance.id,
        port: instance.port,
        state: instance.shown,
        proven: instance.proven,
        admitted: instance.isInTable && instance.retiringSinceMs === null,
        startedAt: instant(this.#around.epochMs + instance.startedAtMs),
        restarts: instance.restarts,
        rssBytes: null,
        cpuMs: null,
        ...(instance.state === 'exited' ? { exitCode: instance.exitCode } : {}),
      })),
      ready: ready.length,
      proven: ready.filter(({ proven }) => proven).length,
      retiring: this.instances.filter(({ shown }) => shown === 'retiring').length,
      problem: this.#failures.problem({
        ...{ isJob: this.isJob, replicas: this.wish.replicas, instances: this.instances },
        ...{ epochMs: this.#around.epochMs, now: this.#now() },
        startTimeoutMs: durationMs(readinessOf(this.wish.spec).startTimeout),
        leastBad: this.takesTraffic ? this.#backendStates().leastBad : [],
      }),
      drains: [...this.#drains],
    };
  }

  #start(ordinal: number): void {
    const number = this.#around.nextNumber();
    const { key } = this.wish;
    const instance = new SimulatedInstance({
      id: `${key.version}-${number}`,
      key,
      ...{ ordinal, round: this.#round, restarts: this.#failures.of(ordinal) },
      program: this.program,
      isJob: this.isJob,
      takesTraffic: this.takesTraffic,
      startTimeoutMs: durationMs(readinessOf(this.wish.spec).startTimeout),
      epochMs: this.#around.epochMs,
      timeline: this.#around.timeline,
      random: this.#around.random.split(`instance/${number}`),
      events: this,
    });
    this.instances.push(instance);
    void this.#listen(instance);
  }

  #retire(id: string): void {
    const instance = this.instances.find((each) => each.id === id);
    if (instance === undefined) return;
    const { timeline, plane, random, epochMs } = this.#around;
    retireSimulated(instance, {
      ...{ timeline, random, epochMs, lagMs: plane.faults.lagMs },
      drain: this.wish.spec.drain,
      leave: () => {
        this.#leave(instance);
        this.#around.changed(this);
      },
      drained: (record) => {
        if (this.wish.spec.port === undefined) return;
        this.#drains.push(record);
        this.#drains.splice(0, Math.max(0, this.#drains.length - KEPT_DRAINS));
      },
    });
  }

  /** Who is in the table follows readiness and proof; the last ones of all stay in (INV-7). */
  #followStates(): void {
    if (!this.takesTraffic) return;
    const { states } = this.#backendStates();
    const { plane, requests } = this.#around;
    for (const instance of this.staying) {
      const serves = states.get(instance.id) === 'serving';
      if (serves && !instance.isInTable) {
        plane.join(this.service, instance);
        requests.settled(this.service, instance.key.version);
        instance.isInTable = true;
      } else if (!serves && instance.isInTable) {
        this.#leave(instance);
        this.#around.tally.add('instance flaps');
        requests.died(this.service, instance.key.version);
      }
    }
  }

  #leave(instance: SimulatedInstance): void {
    this.#around.plane.leave(this.service, instance);
    instance.isInTable = false;
  }

  async #listen(instance: SimulatedInstance): Promise<void> {
    instance.port = await this.#around.ports.take();
    this.#around.port(instance.port, 'taken');
  }

  #drop(instance: SimulatedInstance): void {
    const index = this.instances.indexOf(instance);
    if (index >= 0) this.instances.splice(index, 1);
  }

  #backendStates(): BackendStates {
    return backendStates(
      this.instances.map((instance) => ({
        id: instance.id,
        state: instance.shown,
        proven: instance.proven,
        lastReadyAt: instance.lastReadyAt,
      })),
    );
  }

  #now(): number {
    return this.#around.epochMs + this.#around.timeline.now;
  }
}
