import type { Fence, ServiceKey, TrafficWish, WorkloadKey } from '../drivers/cluster-driver.ts';
import { type DataPlane, serviceId } from './data-plane.ts';
import type { Timeline } from './timeline.ts';
import type { SimulatedWorkload } from './workload.ts';

/** Whose orders these are: nobody's of ours. */
const FENCE: Fence = { subject: 'somebody', epoch: 0, sequence: 0 };
/** What was undone shows its effect for so long: instances have to start again. */
const AFTERMATH_MS = 60_000;
/** From the end of a version to its return at the most, ms: its instances take about as long to go. */
const REVIVE_MS = 200;
/** From a shift to its undoing at the most, ms. */
const MOST_MS = 1_500;

/**
 * `away`: the traffic goes to another version, and the one that had it to no instance. `back`: the next shift of
 * traffic is undone a moment after it, as by a tool that keeps what it knows. `revive`: the next version that is taken
 * down to nothing is given all traffic a moment after it.
 */
export type ForeignEdit = 'more' | 'fewer' | 'none' | 'weights' | 'away' | 'back' | 'revive';

/**
 * Somebody else's hand on the cluster (kubectl, another tool): a workload's wish or a service's weights are written
 * over. What it breaks is its own doing for as long as its word stands, and a while after.
 */
export class ForeignHand {
  readonly #timeline: Timeline;
  readonly #plane: DataPlane;
  readonly #workloads: ReadonlyMap<string, SimulatedWorkload>;
  readonly #touchedMs = new Map<string, number>();
  readonly #editedMs = new Map<string, number>();
  /** The next shift is undone so long after it; null: it stays. */
  #undoAfterMs: number | null = null;
  /** The next version that is taken down gets the traffic so long after it; null: it does not. */
  #reviveAfterMs: number | null = null;

  constructor(timeline: Timeline, plane: DataPlane, workloads: ReadonlyMap<string, SimulatedWorkload>) {
    this.#timeline = timeline;
    this.#plane = plane;
    this.#workloads = workloads;
  }

  /** Writes something over; says what, or null where there is nothing to write over. `pick` is 0 to 1. */
  edit(what: ForeignEdit, pick: number): string | null {
    if (what === 'weights' || what === 'away') return this.#shift(pick, what === 'away');
    if (what === 'revive') {
      this.#reviveAfterMs = pick * REVIVE_MS;
      return `somebody will give all traffic to the next version that goes, after ${Math.round(this.#reviveAfterMs)} ms`;
    }
    if (what !== 'back') return this.#scale(what, pick);
    this.#undoAfterMs = pick * MOST_MS;
    return `somebody will undo the next shift of traffic after ${Math.round(this.#undoAfterMs)} ms`;
  }

  /** Whether what this service does may be the hand's doing. */
  meddles(service: string): boolean {
    if (this.#stands(service)) this.#touchedMs.set(service, this.#timeline.now);
    const at = this.#touchedMs.get(service);
    return at !== undefined && this.#timeline.now - at <= AFTERMATH_MS;
  }

  /** When it last wrote something over at this service, ms since the run began. */
  editedMs(service: string): number {
    return this.#editedMs.get(service) ?? Number.NEGATIVE_INFINITY;
  }

  /** Services at which its word still stands. */
  get standing(): readonly string[] {
    return [...this.#touchedMs.keys()].filter((service) => this.#stands(service));
  }

  /** What it was about to do it does no more. */
  rest(): void {
    this.#undoAfterMs = null;
    this.#reviveAfterMs = null;
  }

  /** A version was taken down to nothing by an order of ours. */
  tookDown({ version, ...service }: WorkloadKey): void {
    const afterMs = this.#reviveAfterMs;
    this.#reviveAfterMs = null;
    if (afterMs === null) return;
    this.#timeline.after(afterMs, () => {
      const written = this.#plane.services.get(serviceId(service))?.written;
      if (written === undefined) return;
      this.#edited(service);
      void this.#plane.write(service, { ...written, weights: { [version]: 100 }, fence: FENCE });
    });
  }

  /** Traffic was shifted by an order of ours; `before` is what it replaced. */
  shifted(before: TrafficWish): void {
    const afterMs = this.#undoAfterMs;
    this.#undoAfterMs = null;
    if (afterMs === null) return;
    this.#timeline.after(afterMs, () => {
      if (this.#plane.services.get(serviceId(before.service))?.written === undefined) return;
      this.#edited(before.service);
      void this.#plane.write(before.service, { ...before, fence: FENCE });
    });
  }

  #scale(what: Exclude<ForeignEdit, 'weights' | 'away' | 'back' | 'revive'>, pick: number): string | null {
    const workloads = [...this.#workloads.values()].filter(
      ({ wish, isJob, removing }) => wish.replicas > 0 && !isJob && !removing,
    );
    const workload = workloads[Math.floor(pick * workloads.length)];
    if (workload === undefined) return null;
    const before = workload.wish.replicas;
    const replicas = what === 'more' ? before + 1 : what === 'fewer' ? before - 1 : 0;
    this.#edited(workload.service);
    workload.want({ ...workload.wish, replicas, fence: FENCE });
    return `somebody scales ${workload.wish.key.version} from ${before} to ${replicas}`;
  }

  #shift(pick: number, andScale: boolean): string | null {
    const choices = [...this.#plane.services.values()].flatMap((service) =>
      [...this.#workloads.values()]
        .filter(
          (each) =>
            serviceId(each.service) === serviceId(service.key) &&
            service.written !== undefined &&
            service.written.weights[each.wish.key.version] !== 100,
        )
        .map(({ wish }) => ({ service, version: wish.key.version })),
    );
    const choice = choices[Math.floor(pick * choices.length)];
    if (choice?.service.written === undefined) return null;
    const { service, version } = choice;
    const left = [...this.#workloads.values()].filter(
      ({ wish, service: own }) =>
        serviceId(own) === serviceId(service.key) &&
        (choice.service.written?.weights[wish.key.version] ?? 0) > 0,
    );
    this.#edited(service.key);
    void this.#plane.write(service.key, {
      ...choice.service.written,
      weights: { [version]: 100 },
      fence: FENCE,
    });
    for (const workload of andScale ? left : [])
      workload.want({ ...workload.wish, replicas: 0, fence: FENCE });
    return `somebody gives all traffic of ${serviceId(service.key)} to ${version}`;
  }

  #edited(service: ServiceKey): void {
    this.#touchedMs.set(serviceId(service), this.#timeline.now);
    this.#editedMs.set(serviceId(service), this.#timeline.now);
  }

  #stands(service: string): boolean {
    const { written, inForce } = this.#plane.services.get(service) ?? {};
    if ([written, inForce].some((table) => table?.fence.subject === FENCE.subject)) return true;
    return [...this.#workloads.values()].some(
      (each) =>
        each.wish.fence.subject === FENCE.subject && serviceId(each.service) === service && !each.removing,
    );
  }
}
