import type { Backend } from '../../router/table.ts';
import type { DrainRecord, Fence, ServiceKey, WorkloadKey } from '../cluster-driver.ts';
import type { VersionCapacity } from './admission.ts';
import { pruneForgotten } from './ended-directories.ts';
import type { Instance } from './instance.ts';
import { serviceId, workloadId } from './keys.ts';
import type { TableWriter } from './table-writer.ts';
import type { InstancesOfVersions } from './traffic-router.ts';
import type { StoredWorkload, WishStore } from './wish-store.ts';
import { Workload, type WorkloadContext } from './workload.ts';

/** Every workload of the driver, and who hears of their changes. */
export class Workloads implements InstancesOfVersions {
  readonly #context: WorkloadContext;
  readonly #wishes: WishStore;
  readonly #table: TableWriter;
  readonly #workloads = new Map<string, Workload>();
  readonly #listeners = new Set<(key: WorkloadKey) => void>();
  #serving: ReadonlySet<string> = new Set();
  #begun = false;

  constructor(context: WorkloadContext, wishes: WishStore, table: TableWriter) {
    this.#context = context;
    this.#wishes = wishes;
    this.#table = table;
    for (const stored of wishes.workloads) {
      this.#workloads.set(workloadId(stored.wish.key), new Workload(context, stored));
    }
  }

  get(key: WorkloadKey): Workload | undefined {
    return this.#workloads.get(workloadId(key));
  }

  all(): readonly Workload[] {
    return [...this.#workloads.values()];
  }

  instances(): readonly Instance[] {
    return this.all().flatMap((workload) => workload.instances);
  }

  /** A wish that is durable already. */
  apply(stored: StoredWorkload): void {
    const known = this.get(stored.wish.key);
    if (known !== undefined) known.apply(stored);
    else this.add(stored).wake();
    this.#tell(stored.wish.key);
  }

  add(stored: StoredWorkload): Workload {
    const workload = new Workload(this.#context, stored);
    this.#workloads.set(workload.id, workload);
    return workload;
  }

  /** The first look at everything, after adoption. Until then nothing acts on what is known only in part. */
  begin(): void {
    this.#begun = true;
    this.#table.wake();
    for (const workload of this.all()) workload.wake();
  }

  changed(key: WorkloadKey): void {
    if (!this.#begun) return;
    this.get(key)?.wake();
    this.#table.wake();
    this.#tell(key);
  }

  /** Whoever waits for an admission looks again. */
  tableChanged(): void {
    const { backends } = this.#table.acknowledged.table;
    const serving = new Set(backends.filter(({ state }) => state === 'serving').map(({ id }) => id));
    const before = this.#serving;
    this.#serving = serving;
    for (const workload of this.all()) {
      if (!workload.instances.some(({ id }) => serving.has(id) !== before.has(id))) continue;
      workload.wake();
      this.#tell(workload.key);
    }
  }

  backends(): Backend[] {
    return this.all().flatMap((workload) => workload.backends());
  }

  logFiles(): string[] {
    return this.instances().map((instance) => instance.paths.log);
  }

  async drained(key: WorkloadKey, record: DrainRecord): Promise<void> {
    await this.#wishes.addDrain(key, record);
    const stored = this.#wishes.get(workloadId(key));
    if (stored !== undefined) this.get(key)?.refresh(stored);
  }

  /** The last instance of a workload that is to go has gone. */
  forget(workload: Workload): void {
    this.#wishes.forget(workload.key).then(
      () => {
        // A new wish may have come while the old one was being forgotten.
        if (this.#wishes.get(workload.id) === undefined) this.#workloads.delete(workload.id);
        this.#tell(workload.key);
        void this.prune();
      },
      (error: unknown) => {
        this.#context.log.error('a workload could not be forgotten; trying again', {
          workload: workload.id,
          error,
        });
        this.#context.clock.setTimer(1_000, () => workload.wake());
      },
    );
  }

  /** Removes what instances of workloads that are gone have left. Never rejects. */
  async prune(): Promise<void> {
    const { instancesRoot, forgottenKept, forgottenMs, clock, log } = this.#context;
    await pruneForgotten(instancesRoot, {
      keep: forgottenKept,
      keptMs: forgottenMs,
      now: clock.now(),
      versions: new Set(this.all().map((workload) => workload.key.version)),
      isThere: (id) => this.instances().some((instance) => instance.id === id),
    }).catch((error: unknown) => log.warn('old logs could not be removed', { error }));
  }

  /** Digests of artifacts that a wish or an instance names. */
  artifacts(): Set<string> {
    const wishes = [...this.#wishes.workloads, ...this.all(), ...this.instances()].map(({ wish }) => wish);
    return new Set(wishes.flatMap(({ spec }) => spec.artifact ?? []));
  }

  onChange(callback: (key: WorkloadKey) => void): Disposable {
    this.#listeners.add(callback);
    return { [Symbol.dispose]: () => this.#listeners.delete(callback) };
  }

  async capacities(service: ServiceKey, maxAgeMs: number): Promise<ReadonlyMap<string, VersionCapacity>> {
    const own = this.#of(service);
    const old = this.#context.clock.monotonic() - maxAgeMs;
    await Promise.all(
      own
        .flatMap((workload) => workload.instances)
        .filter(({ state, health }) => state === 'ready' && (health?.lastProbe?.at ?? 0) < old)
        .map((instance) => instance.health?.probeNow()),
    );
    return new Map(
      own.map((workload) => [
        workload.key.version,
        {
          wanted: workload.wish.replicas,
          proven: workload.instances.filter(({ state, proven }) => state === 'ready' && proven).length,
        },
      ]),
    );
  }

  ready(service: ServiceKey, version: string): readonly string[] {
    return this.#of(service)
      .filter((workload) => workload.key.version === version)
      .flatMap((workload) => workload.instances)
      .filter(({ state }) => state === 'ready')
      .map(({ id }) => id);
  }

  checkFence(fence: Fence): void {
    this.#wishes.checkFence(fence);
  }

  noteFence(fence: Fence): Promise<void> {
    return this.#wishes.noteFence(fence);
  }

  #of(service: ServiceKey): Workload[] {
    const id = serviceId(service);
    return this.all().filter((workload) => serviceId(workload.key) === id);
  }

  #tell(key: WorkloadKey): void {
    for (const listener of this.#listeners) listener(key);
  }
}
