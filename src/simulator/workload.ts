import type {
  DrainRecord,
  ServiceKey,
  WorkloadObservation,
  WorkloadProblem,
  WorkloadWish,
} from '../drivers/cluster-driver.ts';
import { instant } from '../lib/clock.ts';
import { durationMs } from '../lib/durations.ts';
import type { DataPlane } from './data-plane.ts';
import { type InstanceEvents, SimulatedInstance } from './instance.ts';
import type { Program, Programs } from './program.ts';
import type { Requests } from './requests.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

export interface WorkloadSurroundings {
  readonly timeline: Timeline;
  readonly random: SeededRandom;
  readonly programs: Programs;
  readonly plane: DataPlane;
  readonly requests: Requests;
  readonly epochMs: number;
  nextNumber(): number;
  changed(workload: SimulatedWorkload): void;
  gone(workload: SimulatedWorkload): void;
}

const CRASHES_UNTIL_LOOP = 3;
const KEPT_DRAINS = 50;
/** From SIGTERM to the end of an application that ends its streams well, ms. */
const TERM_MS = 60;

/**
 * One workload of one revision, supervised as its wish says, with or without an agent: starts, restarts with
 * growing delay, retires the surplus in the order of design section 6 (out of the table, requests done,
 * SIGTERM, streams ended).
 */
export class SimulatedWorkload implements InstanceEvents {
  wish: WorkloadWish;
  removing = false;
  readonly instances: SimulatedInstance[] = [];
  readonly #drains: DrainRecord[] = [];
  readonly #around: WorkloadSurroundings;
  #crashes = 0;
  #everReady = false;
  #restarts = 0;
  #backoffUntil = 0;
  /** Instances from before are being replaced; null: none are. */
  #restartAtMs: number | null = null;
  #startingSinceMs: number;

  constructor(wish: WorkloadWish, around: WorkloadSurroundings) {
    this.wish = wish;
    this.#around = around;
    this.#startingSinceMs = around.timeline.now;
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

  /** Instances that stay: neither retiring nor ended. */
  get staying(): SimulatedInstance[] {
    return this.instances.filter(
      ({ state, retiringSinceMs }) => state !== 'exited' && retiringSinceMs === null,
    );
  }

  get serving(): number {
    return this.staying.filter(({ serves }) => serves).length;
  }

  want(wish: WorkloadWish): void {
    if (wish.replicas > this.wish.replicas) this.#startingSinceMs = this.#around.timeline.now;
    this.wish = wish;
    this.removing = false;
    this.reconcile();
  }

  remove(): void {
    this.removing = true;
    this.wish = { ...this.wish, replicas: 0 };
    this.reconcile();
  }

  reconcile(): void {
    const { staying } = this;
    const ended = this.isJob ? this.instances.filter(({ state }) => state === 'exited').length : 0;
    const missing = this.wish.replicas - staying.length - ended;
    if (missing > 0) this.#grow(missing);
    // What does not serve goes first, then the newest.
    const surplus = [...staying]
      .reverse()
      .sort((a, b) => Number(a.serves) - Number(b.serves))
      .slice(0, this.#restartAtMs === null || this.wish.replicas === 0 ? Math.max(0, -missing) : 0);
    for (const instance of surplus) this.retire(instance);
    if (this.removing) {
      for (const instance of this.instances.filter(({ state }) => state === 'exited')) this.#drop(instance);
      if (this.instances.length === 0) this.#around.gone(this);
    }
    this.#around.changed(this);
  }

  /** Every instance that runs now is replaced, new before old; asked twice it begins anew, and starts no third set. */
  restart(): void {
    const { timeline } = this.#around;
    const begins = this.#restartAtMs === null;
    this.#restartAtMs = timeline.now;
    if (begins) this.#replace();
  }

  #replace(): void {
    const since = this.#restartAtMs ?? 0;
    const old = this.staying.filter(({ startedAtMs }) => startedAtMs < since);
    const fresh = this.staying.filter(({ startedAtMs }) => startedAtMs >= since);
    if (old.length === 0 || this.wish.replicas === 0) {
      this.#restartAtMs = null;
      this.reconcile();
      return;
    }
    for (let n = fresh.length; n < this.wish.replicas && !this.isJob; n += 1) this.#start();
    // One that serves goes only for another that serves in its place.
    let spare = this.serving - this.wish.replicas;
    for (const instance of old) {
      if (instance.serves) {
        if (spare <= 0) continue;
        spare -= 1;
      } else if (fresh.length < this.wish.replicas) continue;
      this.retire(instance);
    }
    this.#around.timeline.after(200, () => this.#replace());
  }

  changed(instance: SimulatedInstance): void {
    this.#everReady ||= instance.state === 'ready';
    if (instance.serves && instance.retiringSinceMs === null) {
      this.#crashes = 0;
      this.#around.plane.join(this.service, instance);
    } else if (instance.state === 'notReady') {
      this.#around.plane.leave(this.service, instance);
      this.#around.requests.died(this.service, instance.key.version);
    }
    this.#around.changed(this);
  }

  ended(instance: SimulatedInstance, how: { by: 'itself' | 'order'; exitCode: number | null }): void {
    const { plane, requests, timeline } = this.#around;
    plane.leave(this.service, instance);
    if (this.isJob && !this.removing) {
      this.#around.changed(this);
      return;
    }
    if (how.by === 'itself' && instance.retiringSinceMs === null) {
      requests.died(this.service, instance.key.version);
      this.#crashes += 1;
      this.#restarts += 1;
      this.#backoffUntil = timeline.now + Math.min(30_000, 500 * 2 ** this.#crashes);
    }
    this.#drop(instance);
    this.reconcile();
  }

  retire(instance: SimulatedInstance): void {
    if (instance.retiringSinceMs !== null || instance.state === 'exited') return;
    const { timeline, plane, random } = this.#around;
    const began = timeline.now;
    const served = instance.serves;
    instance.retiringSinceMs = began;
    const atStart = { requests: instance.requests, streams: instance.streams };
    const { lagMs } = plane.faults;
    // Out of the table, acknowledged: at the latest when the lag is over.
    instance.after(lagMs === 0 ? 0.3 : random.between(0, lagMs), () => plane.leave(this.service, instance));
    const { timeout, streamTimeout, grace } = this.wish.spec.drain;
    const capMs = durationMs(timeout);
    const record = (cut: number) => {
      this.#drains.push({
        instance: instance.id,
        startedAt: instant(this.#around.epochMs + began),
        ms: timeline.now - began,
        requests: served ? atStart.requests : 0,
        streams: served ? atStart.streams : 0,
        cut,
      });
      this.#drains.splice(0, Math.max(0, this.#drains.length - KEPT_DRAINS));
    };
    const terminate = () => {
      const streams = [...instance.inside].filter(({ stream }) => stream);
      const endMs = Math.min(durationMs(streamTimeout), durationMs(grace), TERM_MS);
      for (const stream of streams) instance.after(random.between(0, endMs), () => stream.endWell());
      const graceEndsMs = timeline.now + durationMs(grace);
      const end = () => {
        if (instance.program.finishesAtTerm && instance.requests > 0 && timeline.now < graceEndsMs) {
          instance.after(20, end);
          return;
        }
        record(instance.inside.size);
        instance.stop(timeline.now - began >= capMs ? 'cap' : 'killed');
      };
      instance.after(endMs + 1, end);
    };
    const look = () => {
      if (instance.requests === 0 || timeline.now - began >= capMs) terminate();
      else instance.after(20, look);
    };
    instance.after(Math.max(1, lagMs + 1), look);
    this.#around.changed(this);
  }

  observe(weight: number): WorkloadObservation {
    const ready = this.instances.filter(
      ({ state, retiringSinceMs }) => state === 'ready' && retiringSinceMs === null,
    );
    return {
      key: this.wish.key,
      wanted: this.wish.replicas,
      instances: this.instances.map((instance) => ({
        id: instance.id,
        port: instance.port,
        state: instance.retiringSinceMs !== null && instance.state !== 'exited' ? 'retiring' : instance.state,
        proven: instance.proven && instance.retiringSinceMs === null,
        admitted: instance.serves && instance.retiringSinceMs === null && weight > 0,
        startedAt: instant(this.#around.epochMs + instance.startedAtMs),
        restarts: this.#restarts,
        rssBytes: null,
        cpuMs: null,
        ...(instance.state === 'exited' ? { exitCode: instance.exitCode } : {}),
      })),
      ready: ready.length,
      proven: ready.filter(({ proven }) => proven).length,
      retiring: this.instances.filter(
        ({ state, retiringSinceMs }) => state !== 'exited' && retiringSinceMs !== null,
      ).length,
      problem: ready.length < this.wish.replicas ? this.#problem() : null,
      drains: [...this.#drains],
    };
  }

  #grow(count: number): void {
    const { timeline } = this.#around;
    const waitMs = this.#backoffUntil - timeline.now;
    if (waitMs > 0) {
      timeline.after(waitMs, () => {
        if (!this.removing) this.reconcile();
      });
      return;
    }
    for (let n = 0; n < count; n += 1) this.#start();
  }

  #start(): SimulatedInstance {
    const number = this.#around.nextNumber();
    const { key } = this.wish;
    const instance = new SimulatedInstance({
      id: `${key.version}-${number}`,
      key,
      program: this.program,
      port: 20_000 + number,
      isJob: this.isJob,
      timeline: this.#around.timeline,
      random: this.#around.random.split(`instance/${number}`),
      events: this,
    });
    this.instances.push(instance);
    return instance;
  }

  #drop(instance: SimulatedInstance): void {
    const index = this.instances.indexOf(instance);
    if (index >= 0) this.instances.splice(index, 1);
  }

  #problem(): WorkloadProblem | null {
    const { timeline, epochMs } = this.#around;
    const since = instant(epochMs + this.#startingSinceMs);
    if (this.#crashes >= CRASHES_UNTIL_LOOP) {
      return { reason: 'crashLoop', message: `ended ${this.#crashes} times with code 1`, since, final: true };
    }
    const limitMs = durationMs(this.wish.spec.readiness?.startTimeout ?? '60s');
    if (!this.#everReady && this.wish.replicas > 0 && timeline.now - this.#startingSinceMs > limitMs) {
      return { reason: 'startTimeout', message: `not ready after ${limitMs} ms`, since, final: true };
    }
    return null;
  }
}
