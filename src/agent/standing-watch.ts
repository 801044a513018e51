import { type Place, placeId, type Standing } from '../api/standing.ts';
import type { ClusterDriver, TrafficRouter, WorkloadObservation } from '../drivers/cluster-driver.ts';
import type { AgentFrame } from '../execution/protocol.ts';
import type { Clock } from '../lib/clock.ts';
import { equalJson } from '../lib/equal-json.ts';
import type { Log } from '../lib/log.ts';

/** Changes are told at most this often, ms. */
const TELL_MS = 1_000;
/** What nobody tells of (somebody else's hand on a route) is looked for this often, ms. */
const LOOK_MS = 15_000;

export interface StandingWatchOptions {
  readonly driver: ClusterDriver;
  readonly trafficRouter: TrafficRouter;
  readonly clock: Clock;
  readonly log: Log;
  /** Orders that are held, by place (`placeId`): in words that change with each of them, null while one runs. */
  holdings(): ReadonlyMap<string, string | null>;
  send(frame: AgentFrame): boolean;
}

/**
 * Tells the manager what stands of each application while no order for it runs: after each welcome all of it,
 * then what changed. Without it a manager would know only what it once ordered, and say so as if it were so.
 */
export class StandingWatch {
  readonly #options: StandingWatchOptions;
  /** What the manager has of each place, on this connection. */
  readonly #told = new Map<string, Standing>();
  /** Places that the manager is to hear of even where nothing stands. */
  readonly #asked = new Map<string, Place>();
  #timer: Disposable | null = null;
  #dueAt = Number.POSITIVE_INFINITY;
  #change: Disposable | null = null;
  #looking = false;
  #again = false;
  #whole = false;
  #number = 0;
  #connected = false;

  constructor(options: StandingWatchOptions) {
    this.#options = options;
  }

  /** Welcomed: the manager knows nothing yet. */
  connected(): void {
    this.#connected = true;
    this.#whole = true;
    this.#told.clear();
    this.#change ??= this.#options.driver.onChange(() => this.#soon(TELL_MS));
    this.#soon(0);
  }

  disconnected(): void {
    this.#connected = false;
    this.#told.clear();
    this.#asked.clear();
    this.#cancel();
  }

  /** An order for this place ended, and the manager has its end: what stands now is told again. */
  ended(place: Place): void {
    this.#told.delete(placeId(place));
    this.#asked.set(placeId(place), place);
    this.#soon(0);
  }

  stop(): void {
    this.disconnected();
    this.#change?.[Symbol.dispose]();
    this.#change = null;
  }

  #soon(ms: number): void {
    if (!this.#connected) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    const { clock } = this.#options;
    const now = clock.monotonic();
    const at = Math.max(now, Math.min(now + ms, this.#dueAt));
    if (this.#timer !== null && at >= this.#dueAt) return;
    this.#cancel();
    this.#dueAt = at;
    this.#timer = clock.setTimer(at - now, () => {
      this.#cancel();
      this.#looking = true;
      void this.#look()
        .catch((error: unknown) => this.#options.log.debug('what stands cannot be read just now', { error }))
        .finally(() => {
          this.#looking = false;
          const waitMs = this.#again ? TELL_MS : LOOK_MS;
          this.#again = false;
          this.#soon(waitMs);
        });
    });
  }

  async #look(): Promise<void> {
    const { driver, holdings, send } = this.#options;
    const places = new Map(this.#asked);
    for (const told of this.#told.values()) places.set(placeId(told), told);
    const before = holdings();
    const observed = new Map<string, WorkloadObservation[]>();
    for (const observation of await driver.list()) {
      const { namespace, application, environment } = observation.key;
      const place = { namespace, application, environment };
      const id = placeId(place);
      places.set(id, place);
      observed.set(id, [...(observed.get(id) ?? []), observation]);
    }
    const seen: Standing[] = [];
    for (const [id, place] of places) seen.push(await this.#standingOf(place, observed.get(id) ?? []));
    // What an order may have changed while it was looked at is no state that stood.
    const after = holdings();
    const news: Standing[] = [];
    const busy: Place[] = [];
    for (const standing of seen) {
      const id = placeId(standing);
      const rests = before.get(id) !== null && before.get(id) === after.get(id);
      if (!rests) {
        busy.push(places.get(id) ?? standing);
        // Where an order still runs, its end is what is waited for.
        if (after.get(id) !== null) this.#again = true;
      } else if (this.#whole || !equalJson(this.#told.get(id), standing)) news.push(standing);
    }
    if (!this.#connected || (news.length === 0 && !this.#whole)) return;
    this.#number += 1;
    const frame = { type: 'standing', number: this.#number, whole: this.#whole, places: news, busy } as const;
    if (!send(frame)) return;
    this.#whole = false;
    for (const standing of news) {
      this.#told.set(placeId(standing), standing);
      this.#asked.delete(placeId(standing));
    }
  }

  async #standingOf(place: Place, observed: readonly WorkloadObservation[]): Promise<Standing> {
    const { namespace, application, environment } = place;
    const services: Standing['services'] = [];
    for (const workload of new Set(observed.map(({ key }) => key.workload))) {
      const wish = await this.#options.trafficRouter.traffic({ ...place, workload });
      if (wish !== undefined) services.push({ workload, weights: { ...wish.weights } });
    }
    return {
      ...{ namespace, application, environment },
      workloads: observed.map(({ key, wanted, ready, problem }) => ({
        workload: key.workload,
        version: key.version,
        wanted,
        ready,
        problem:
          problem === null
            ? null
            : { reason: problem.reason, message: problem.message, final: problem.final },
      })),
      services,
    };
  }

  #cancel(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }
}
