import { durationMs } from '../../lib/durations.ts';
import type { Random } from '../../lib/random.ts';
import type { Backend } from '../../router/table.ts';
import type {
  InstanceObservation,
  WorkloadKey,
  WorkloadObservation,
  WorkloadProblem,
  WorkloadWish,
} from '../cluster-driver.ts';
import { type BackendStates, backendStates } from './backend-states.ts';
import { pruneEnded } from './ended-directories.ts';
import { recordFailure, type SlotHistory } from './failures.ts';
import { Instance } from './instance.ts';
import type { InstanceContext } from './instance-context.ts';
import type { InstanceRecord } from './instance-record.ts';
import { serviceId, serviceOf, workloadId } from './keys.ts';
import { memberOf, observeInstance } from './observe-instance.ts';
import { INSTANCE_HOST } from './options.ts';
import { planWorkload, surgeOf } from './plan-workload.ts';
import { problemOf } from './problem.ts';
import { readinessOf } from './readiness.ts';
import { retireInstance } from './retire-instance.ts';
import type { StoredWorkload } from './wish-store.ts';

/** How long an effect that failed for reasons of this machine (a full disk) waits before it is tried again. */
const RETRY_MS = 1_000;

/** What a workload needs besides its instances' surroundings. */
export interface WorkloadContext extends InstanceContext {
  readonly random: Random;
  readonly endedKept: number;
  readonly forgottenKept: number;
  readonly forgottenMs: number;
  /** The workload has no instance left and shall be forgotten. */
  gone(workload: Workload): void;
}

/**
 * Goes from what is there to what is wanted, for one workload of one revision. Level-triggered: each change
 * leads to one look at everything, `planWorkload` decides, and this starts and retires. No look depends on
 * which change led to it, so a restarted agent begins with the same look.
 */
export class Workload {
  readonly key: WorkloadKey;
  readonly id: string;
  readonly #context: WorkloadContext;
  readonly #members = new Map<string, Instance>();
  readonly #slots = new Map<number, SlotHistory>();
  #stored: StoredWorkload;
  #wanted = false;
  #timer: Disposable | undefined;

  constructor(context: WorkloadContext, stored: StoredWorkload) {
    this.#context = context;
    this.#stored = stored;
    this.key = stored.wish.key;
    this.id = workloadId(stored.wish.key);
  }

  get wish(): WorkloadWish {
    return this.#stored.wish;
  }
  get instances(): readonly Instance[] {
    return [...this.#members.values()];
  }
  /** A migration runs once and takes no traffic; a worker takes none. */
  get takesTraffic(): boolean {
    return this.wish.spec.type === 'service' && this.wish.spec.port !== undefined;
  }

  get #isJob(): boolean {
    return this.wish.spec.type === 'migration';
  }

  /** A wish that is durable already. A new order clears what failed under the old one. */
  apply(stored: StoredWorkload): void {
    const { fence } = this.#stored.wish;
    const { fence: next } = stored.wish;
    if (fence.subject !== next.subject || fence.epoch !== next.epoch) this.#slots.clear();
    this.#stored = stored;
    this.wake();
  }

  /** Takes over an instance that a former agent started. */
  adopt(record: InstanceRecord, how: { readonly alive: boolean; readonly admitted: boolean }): void {
    const instance = new Instance(this.#context, this.wish, record);
    this.#members.set(instance.id, instance);
    if (record.port !== null) this.#context.ports.hold(record.port);
    if (record.ended !== null) instance.wasEnded();
    else if (how.alive && record.identity !== null) instance.adopt(record.identity, how.admitted);
    else void instance.foundDead();
    this.#settleWhenEnded(instance);
    if (record.retiring !== null && record.ended === null) void this.#retire(instance);
  }

  /** Looks soon; many calls before that are one look. */
  wake(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    queueMicrotask(() => {
      this.#wanted = false;
      if (!this.#context.signal.aborted) this.#reconcile();
    });
  }

  /** Its instances in the router's table. */
  backends(): Backend[] {
    if (!this.takesTraffic) return [];
    const { states } = this.#backendStates();
    const service = serviceId(serviceOf(this.key));
    return this.instances.flatMap(({ id, record }) => {
      const state = states.get(id);
      if (state === undefined || record.port === null || record.identity === null) return [];
      return [{ id, version: this.key.version, service, host: INSTANCE_HOST, port: record.port, state }];
    });
  }

  async observe(): Promise<WorkloadObservation> {
    const instances = await Promise.all(
      this.instances.map((instance) => observeInstance(this.#context, instance)),
    );
    const count = (is: (seen: InstanceObservation) => boolean): number => instances.filter(is).length;
    return {
      key: this.key,
      wanted: this.wish.replicas,
      instances,
      ready: count((seen) => seen.state === 'ready'),
      proven: count((seen) => seen.state === 'ready' && seen.proven),
      retiring: count((seen) => seen.state === 'retiring'),
      problem: this.problem(),
      drains: this.#stored.drains,
    };
  }

  problem(): WorkloadProblem | null {
    return problemOf({
      job: this.#isJob ? (this.instances.find((instance) => instance.failure !== null) ?? null) : null,
      slots: this.#wantedSlots(),
      instances: this.instances,
      leastBad: this.takesTraffic ? this.#backendStates().leastBad : [],
      startTimeoutMs: durationMs(readinessOf(this.wish.spec).startTimeout),
      now: this.#context.clock.now(),
    });
  }

  /** Keeps what is only noted elsewhere in step. */
  refresh(stored: StoredWorkload): void {
    this.#stored = { ...this.#stored, drains: stored.drains };
  }

  #reconcile(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const { clock } = this.#context;
    if (this.#stored.removing) {
      // A migration that ran is kept until here.
      for (const instance of this.instances)
        if (instance.state === 'exited') this.#members.delete(instance.id);
      if (this.#members.size === 0) {
        this.#context.gone(this);
        return;
      }
    }
    const plan = planWorkload({
      replicas: this.wish.replicas,
      round: this.#stored.round,
      surge: surgeOf(this.wish),
      takesTraffic: this.takesTraffic,
      members: this.instances.map((instance) => memberOf(this.#context, instance)),
      notBefore: new Map([...this.#slots].map(([ordinal, { notBefore }]) => [ordinal, notBefore])),
      now: clock.now(),
    });
    for (const id of plan.retire) {
      const instance = this.#members.get(id);
      if (instance !== undefined) void this.#retire(instance);
    }
    for (const ordinal of plan.start) this.#start(ordinal);
    if (plan.wakeAt !== null) {
      this.#timer = clock.setTimer(Math.max(1, plan.wakeAt - clock.now()), () => this.wake());
    }
  }

  #start(ordinal: number): void {
    const { random, clock } = this.#context;
    const instance = new Instance(this.#context, this.wish, {
      id: `${this.key.version}-${random.suffix(5)}`,
      key: this.key,
      ordinal,
      round: this.#stored.round,
      restarts: this.#slots.get(ordinal)?.failures ?? 0,
      port: null,
      startedAt: clock.now(),
      identity: null,
      retiring: null,
      ended: null,
    });
    this.#members.set(instance.id, instance);
    this.#settleWhenEnded(instance);
    void instance.start();
    this.#context.changed(instance);
  }

  async #retire(instance: Instance): Promise<void> {
    const { clock, log, signal } = this.#context;
    for (;;) {
      try {
        await retireInstance(this.#context, instance);
        instance.retired();
        return;
      } catch (error) {
        if (signal.aborted) return;
        log.error('retiring an instance failed; trying again', { instance: instance.id, error });
        await clock.sleep(RETRY_MS);
      }
    }
  }

  /** What follows an end: count a failure, leave the table, give the port and the place free. */
  #settleWhenEnded(instance: Instance): void {
    const settle = async (): Promise<void> => {
      await instance.over;
      const { failure, record } = instance;
      // A migration that ran stays, so that it is not run again and its end can be read.
      if (this.#isJob && record.identity !== null && record.retiring === null) return;
      if (failure !== null) this.#countFailure(instance);
      this.#members.delete(instance.id);
      this.#context.changed(instance);
      if (record.port !== null) {
        await this.#context.tableInForce();
        await this.#context.ports.quarantine(record.port);
      }
      await pruneEnded(this.#context.instancesRoot, {
        version: this.key.version,
        isThere: (id) => this.#members.has(id),
        keep: this.#context.endedKept,
      });
    };
    settle().catch((error: unknown) => {
      if (this.#context.signal.aborted) return;
      this.#context.log.error('an ended instance could not be cleared away', {
        instance: instance.id,
        error,
      });
    });
  }

  /** A place that the wish has no instance for any more cannot be what is wrong. */
  #wantedSlots(): ReadonlyMap<number, SlotHistory> {
    const taken = new Set(this.instances.map(({ record }) => record.ordinal));
    return new Map(
      [...this.#slots].filter(([ordinal]) => ordinal < this.wish.replicas || taken.has(ordinal)),
    );
  }

  #countFailure(instance: Instance): void {
    const { failure, record } = instance;
    const readyForMs = instance.health?.readyForMs ?? 0;
    if (failure === null) return;
    const now = this.#context.clock.now();
    const history = recordFailure(this.#slots.get(record.ordinal), failure, { now, readyForMs });
    this.#slots.set(record.ordinal, history);
    this.#context.log.warn('an instance ended', {
      instance: instance.id,
      reason: failure.reason,
      detail: failure.message,
      inARow: history.failures,
    });
  }

  #backendStates(): BackendStates {
    return backendStates(
      this.instances.map((instance) => ({
        id: instance.id,
        state: instance.state,
        proven: instance.proven,
        lastReadyAt: instance.health?.lastReadyAt ?? null,
      })),
    );
  }
}
