import assert from 'node:assert/strict';
import type { RouteSpec } from '../../api/application.ts';
import { type ErrorCode, isSlipwayError } from '../../lib/errors.ts';
import type {
  ClusterDriver,
  Fence,
  ServiceKey,
  TrafficRouter,
  TrafficWish,
  WorkloadKey,
  WorkloadObservation,
  WorkloadWish,
} from '../cluster-driver.ts';

/** What the program of a version does, in the ways that ClusterDriver must tell apart. */
export type Behaviour =
  | 'good'
  | 'crashesAtStart'
  | 'neverReady'
  /** Its probe says yes; every other request is answered by a failure, or by nothing. */
  | 'answersItsProbeOnly'
  | 'jobThatSucceeds'
  /** Ends with code 3. */
  | 'jobThatFails';

/** A request inside an instance, for as long as the case wants it. */
export interface HeldRequest {
  readonly outcome: Promise<'answered' | 'failed'>;
  /** The application answers it now. A stream ends by itself at SIGTERM, as it should. */
  letGo(): Promise<void>;
}

/** An adapter under test, with one service of its own and the world around it. */
export interface AdapterUnderTest {
  /** Of the adapter that runs now; another one after `restartAdapter`. */
  readonly driver: ClusterDriver;
  readonly router: TrafficRouter;
  /** The only one of its namespace, application and environment when a case begins. */
  readonly service: ServiceKey;
  readonly route: RouteSpec;
  /** A workload of this service whose program behaves so. */
  spec(version: string, behaviour: Behaviour): WorkloadWish['spec'];
  /** One ordinary request over a connection of its own; the version that answered it, null where none did. */
  ask(headers?: Readonly<Record<string, string>>): Promise<string | null>;
  /** Begins a request that nobody may send a second time; resolves when an instance has it. */
  hold(kind: 'request' | 'stream'): Promise<HeldRequest>;
  /** kill -9 of one instance. */
  killInstance(id: string): Promise<void>;
  /** The adapter's process ends; a new one begins on the same state after `meanwhile`. */
  restartAdapter(meanwhile?: () => Promise<void>): Promise<void>;
  /** Looks in the adapter's own time until `look` answers something; throws at the deadline. */
  until<T>(what: string, look: () => Promise<T | undefined> | T | undefined, timeoutMs?: number): Promise<T>;
}

/** One promise of ClusterDriver and TrafficRouter. It fails by throwing; the runner begins and ends the adapter. */
export interface AdapterCase {
  readonly name: string;
  run(bench: Bench): Promise<void>;
}

export interface Wanted {
  readonly behaviour?: Behaviour;
  readonly spec?: Partial<WorkloadWish['spec']>;
  readonly fence?: Partial<Fence>;
}

/** The words in which cases are written. */
export class Bench {
  readonly #adapter: AdapterUnderTest;
  #sequence = 0;

  constructor(adapter: AdapterUnderTest) {
    this.#adapter = adapter;
  }

  get driver(): ClusterDriver {
    return this.#adapter.driver;
  }
  get router(): TrafficRouter {
    return this.#adapter.router;
  }
  get service(): ServiceKey {
    return this.#adapter.service;
  }
  get adapter(): AdapterUnderTest {
    return this.#adapter;
  }

  /** `r1` as the name of a version. */
  version(revision: string): string {
    return `${this.service.workload}-${revision}`;
  }

  key(revision: string): WorkloadKey {
    return { ...this.service, version: this.version(revision) };
  }

  wish(revision: string, replicas: number, { behaviour = 'good', spec, fence }: Wanted = {}): WorkloadWish {
    return {
      key: this.key(revision),
      spec: { ...this.#adapter.spec(this.version(revision), behaviour), ...spec },
      replicas,
      fence: this.fence(fence),
    };
  }

  want(revision: string, replicas: number, wanted: Wanted = {}): Promise<void> {
    return this.driver.setWorkload(this.wish(revision, replicas, wanted));
  }

  fence(fence: Partial<Fence> = {}): Fence {
    this.#sequence += 1;
    return { subject: `release/${this.service.workload}`, epoch: 1, sequence: this.#sequence, ...fence };
  }

  traffic(weights: Readonly<Record<string, number>>, more: Partial<TrafficWish> = {}) {
    const named = Object.entries(weights).map(([revision, weight]) => [this.version(revision), weight]);
    return this.router.setTraffic({
      service: this.service,
      routes: [this.#adapter.route],
      weights: Object.fromEntries(named),
      aliases: { new: null, old: null },
      fence: this.fence(),
      ...more,
    });
  }

  /** Writes that must be accepted. */
  async flip(weights: Readonly<Record<string, number>>): Promise<void> {
    const written = await this.traffic(weights);
    assert.ok(written.ok, `refused: ${written.ok ? '' : written.reason}`);
  }

  /** So many instances, each with a share of whatever its version gets. */
  serving(revision: string, count: number): Promise<WorkloadObservation> {
    return this.seen(
      revision,
      `${count} serve`,
      ({ instances, ready, proven }) =>
        instances.length === count &&
        ready === count &&
        proven === count &&
        instances.every(({ admitted }) => admitted),
    );
  }

  /** Observes until it looks so. */
  async seen(
    revision: string,
    what: string,
    is: (seen: WorkloadObservation) => boolean,
  ): Promise<WorkloadObservation> {
    let last: WorkloadObservation | undefined;
    try {
      return await this.#adapter.until(`${revision}: ${what}`, async () => {
        last = await this.driver.observe(this.key(revision));
        return last !== undefined && is(last) ? last : undefined;
      });
    } catch (cause) {
      throw new Error(`${revision}: ${what}; last seen ${JSON.stringify(last, null, 1)}`, { cause });
    }
  }

  empty(revision: string): Promise<WorkloadObservation> {
    return this.seen(revision, 'has no instance', ({ instances }) => instances.length === 0);
  }

  forgotten(revision: string): Promise<true> {
    return this.#adapter.until(`${revision} is forgotten`, async () =>
      (await this.driver.observe(this.key(revision))) === undefined ? true : undefined,
    );
  }

  /** The versions that answer so many requests, one after another. */
  async answers(count: number): Promise<Set<string | null>> {
    const seen = new Set<string | null>();
    for (let n = 0; n < count; n += 1) seen.add(await this.#adapter.ask());
    return seen;
  }
}

export const ids = ({ instances }: WorkloadObservation): string[] => instances.map(({ id }) => id).toSorted();

export async function rejected(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => isSlipwayError(error, code), `expected the error ${code}`);
}

/** A refusal as a result, with the rule that it names. */
export function refused(written: Awaited<ReturnType<TrafficRouter['setTraffic']>>, rule: RegExp): void {
  assert.equal(written.ok, false, 'expected a refusal');
  if (!written.ok) assert.match(written.reason, rule);
}
