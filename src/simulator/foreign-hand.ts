import type { Fence, ServiceKey } from '../drivers/cluster-driver.ts';
import { type DataPlane, serviceId } from './data-plane.ts';
import type { Timeline } from './timeline.ts';
import type { SimulatedWorkload } from './workload.ts';

/** Whose orders these are: nobody's of ours. */
const FENCE: Fence = { subject: 'somebody', epoch: 0, sequence: 0 };
/** What was undone shows its effect for so long: instances have to start again. */
const AFTERMATH_MS = 60_000;

export type ForeignEdit = 'more' | 'fewer' | 'none' | 'weights';

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

  constructor(timeline: Timeline, plane: DataPlane, workloads: ReadonlyMap<string, SimulatedWorkload>) {
    this.#timeline = timeline;
    this.#plane = plane;
    this.#workloads = workloads;
  }

  /** Writes something over; says what, or null where there is nothing to write over. `pick` is 0 to 1. */
  edit(what: ForeignEdit, pick: number): string | null {
    return what === 'weights' ? this.#shift(pick) : this.#scale(what, pick);
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

  #scale(what: Exclude<ForeignEdit, 'weights'>, pick: number): string | null {
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

  #shift(pick: number): string | null {
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
    this.#edited(service.key);
    void this.#plane.write(service.key, {
      ...choice.service.written,
      weights: { [version]: 100 },
      fence: FENCE,
    });
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
