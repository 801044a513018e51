import type { ServiceKey } from '../drivers/cluster-driver.ts';
import type { DataPlane, PlaneService } from './data-plane.ts';
import { serviceId } from './data-plane.ts';
import type { ForeignHand } from './foreign-hand.ts';
import type { Inside, SimulatedInstance } from './instance.ts';
import type { Excuse, Ledger } from './ledger.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

export type RequestKind = 'request' | 'slow' | 'stream';

export interface RequestOutcome {
  readonly version: string | null;
  readonly cause: 'noBackend' | 'reset' | 'refused' | 'error' | null;
}

/** A death of an instance excuses an empty pool of its version for so long: its replacement has to start. */
const REPLACEMENT_MS = 60_000;

/** Requests through the data plane into the instances, each booked in the ledger. */
export class Requests {
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  readonly #plane: DataPlane;
  readonly #ledger: Ledger;
  readonly #hand: ForeignHand;
  readonly #lastDeathMs = new Map<string, number>();
  /** Why a version has had no backend since it had one last, where somebody else is to blame. */
  readonly #empty = new Map<string, Excuse>();

  constructor(options: {
    timeline: Timeline;
    random: SeededRandom;
    plane: DataPlane;
    ledger: Ledger;
    hand: ForeignHand;
  }) {
    this.#timeline = options.timeline;
    this.#random = options.random;
    this.#plane = options.plane;
    this.#ledger = options.ledger;
    this.#hand = options.hand;
  }

  /** A version has a backend, or is given traffic anew: what empties it from now on is another matter. */
  settled(key: ServiceKey, version: string): void {
    this.#empty.delete(`${serviceId(key)} ${version}`);
  }

  /** An instance of this version died or stopped being ready by itself. */
  died(key: ServiceKey, version: string): void {
    this.#lastDeathMs.set(`${serviceId(key)} ${version}`, this.#timeline.now);
  }

  /** Starts one request; `ended` is called when it was answered or failed. Null when nothing listens there. */
  start(key: ServiceKey, kind: RequestKind, ended: (outcome: RequestOutcome) => void = () => {}): void {
    const service = this.#plane.services.get(serviceId(key));
    // No routes lead there: that no service was released yet is no failure of a release.
    if (service?.inForce === undefined) {
      ended({ version: null, cause: 'noBackend' });
      return;
    }
    this.#ledger.begin();
    if (this.#plane.isDown) {
      this.#failed(service, null, 'refused', 'router died', 'the router is down', ended);
      return;
    }
    const version = this.#choose(service);
    const instance = version === null ? undefined : this.#backend(service, version);
    if (version === null || instance === undefined) {
      const excuse = this.#lasting(service, version);
      const detail = `${version ?? 'no version'} has no backend; in force ${weightWords(service)}`;
      // Our own router goes on to another version; a mesh does not, and it is that version's death all the same.
      this.#plane.count(service, version, 'noBackend', excuse !== null);
      this.#failed(service, version, 'noBackend', excuse, detail, ended);
      return;
    }
    this.#enter(service, version, instance, kind, ended);
  }

  #enter(
    service: PlaneService,
    version: string,
    instance: SimulatedInstance,
    kind: RequestKind,
    ended: (outcome: RequestOutcome) => void,
  ): void {
    if (instance.state === 'exited') {
      // The table still names what is gone. A connect failure is tried elsewhere, since nothing was sent.
      const other = this.#backend(service, version, instance);
      if (other === undefined || other.state === 'exited') {
        const excuse = this.#excuse(service, version);
        this.#plane.count(service, version, 'refused', excuse !== null);
        this.#failed(
          service,
          version,
          'refused',
          excuse,
          `${instance.id} is gone and still in the table`,
          ended,
        );
        return;
      }
      this.#enter(service, version, other, kind, ended);
      return;
    }
    if (this.#timeline.now < instance.answersFromMs) {
      // An answer all the same: the data plane counts no failure, and nobody but the client sees one.
      this.#plane.count(service, version, null);
      this.#failed(
        service,
        version,
        'error',
        null,
        `${instance.id} passed its probe and does not serve yet`,
        ended,
      );
      return;
    }
    const finish = (act: () => void) => {
      if (!instance.inside.delete(inside)) return;
      timer[Symbol.dispose]();
      act();
    };
    const answered = () =>
      finish(() => {
        this.#plane.count(service, version, null);
        this.#ledger.answer();
        ended({ version, cause: null });
      });
    const inside: Inside = {
      stream: kind === 'stream',
      endWell: answered,
      cut: (cause, why) =>
        finish(() => {
          const excuse: Excuse =
            why === 'died'
              ? 'instance died'
              : this.#plane.isDown
                ? 'router died'
                : why === 'cap'
                  ? 'drain cap reached'
                  : null;
          if (excuse !== 'router died')
            this.#plane.count(service, version, cause, excuse === 'instance died');
          this.#failed(
            service,
            version,
            cause,
            excuse,
            `inside ${instance.id} when it ended (${why})`,
            ended,
          );
        }),
    };
    const timer = this.#timeline.after(this.#lengthOf(instance, kind), answered, { quiet: true });
    instance.inside.add(inside);
  }

  #failed(
    service: PlaneService,
    version: string | null,
    cause: NonNullable<RequestOutcome['cause']>,
    excuse: Excuse,
    detail: string,
    ended: (outcome: RequestOutcome) => void,
  ): void {
    this.#ledger.fail({
      atMs: this.#timeline.now,
      service: serviceId(service.key),
      version,
      cause,
      excuse,
      detail,
    });
    ended({ version, cause });
  }

  #choose({ inForce }: PlaneService): string | null {
    let left = this.#random.next() * 100;
    for (const [version, weight] of Object.entries(inForce?.weights ?? {})) {
      left -= weight;
      if (left < 0) return version;
    }
    return null;
  }

  #backend(service: PlaneService, version: string, not?: SimulatedInstance): SimulatedInstance | undefined {
    const pool = [...(service.pools.get(version) ?? [])].filter((instance) => instance !== not);
    return pool.length === 0 ? undefined : this.#random.pick(pool);
  }

  /** Why nobody answers. */
  #excuse(service: PlaneService, version: string | null): Excuse {
    if (version !== null && this.#isDying(service, version)) return 'instance died';
    if (this.#timeline.now <= service.behindUntilMs) return 'data plane beyond its lag';
    return this.#hand.meddles(serviceId(service.key)) ? 'foreign hand' : null;
  }

  /** What emptied a version excuses it until it has a backend again: that may take longer than any start does. */
  #lasting(service: PlaneService, version: string | null): Excuse {
    const id = `${serviceId(service.key)} ${version}`;
    const excuse = this.#excuse(service, version) ?? this.#empty.get(id) ?? null;
    this.#empty.set(id, excuse);
    return excuse;
  }

  #isDying(service: PlaneService, version: string): boolean {
    const at = this.#lastDeathMs.get(`${serviceId(service.key)} ${version}`);
    return at !== undefined && this.#timeline.now - at <= REPLACEMENT_MS;
  }

  #lengthOf({ program }: SimulatedInstance, kind: RequestKind): number {
    const most = kind === 'stream' ? program.streamMs : kind === 'slow' ? program.slowMs : program.requestMs;
    return most * (0.1 + 0.9 * this.#random.next());
  }
}

const weightWords = ({ inForce }: PlaneService): string =>
  Object.entries(inForce?.weights ?? {})
    .map(([version, weight]) => `${weight} % ${version}`)
    .join(', ') || 'nothing';
