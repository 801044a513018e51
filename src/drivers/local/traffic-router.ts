import type { Clock } from '../../lib/clock.ts';
import { messageOf, SlipwayError } from '../../lib/errors.ts';
import type { Network } from '../../lib/network.ts';
import type { RouterControl } from '../../router/control-client.ts';
import { PREVIEW_HEADER, REVISION_HEADER } from '../../router/table.ts';
import type {
  Fence,
  PreviewAnswer,
  PreviewRequest,
  ProofEvidence,
  ServiceKey,
  ServiceTotals,
  TrafficRouter,
  TrafficWish,
} from '../cluster-driver.ts';
import { lateness, trafficRefusal, type VersionCapacity } from './admission.ts';
import type { JsonFile } from './json-file.ts';
import { serviceId } from './keys.ts';
import { proveAfter } from './prove-after.ts';
import { routesRefusal } from './route-table.ts';
import type { TableWriter } from './table-writer.ts';
import type { TrafficTotals } from './traffic-totals.ts';

/** By service. */
export type TrafficWishes = Readonly<Record<string, TrafficWish>>;

/** What the router's adapter asks of the driver beside it. */
export interface InstancesOfVersions {
  /** Probes again what was not probed within `maxAgeMs`, then answers per version of the service. */
  capacities(service: ServiceKey, maxAgeMs: number): Promise<ReadonlyMap<string, VersionCapacity>>;
  /** Ids of instances that answer previews, ready ones alone. */
  ready(service: ServiceKey, version: string): readonly string[];
  checkFence(fence: Fence): void;
  noteFence(fence: Fence): Promise<void>;
}

/** INV-1: the read before a write is at most this old. */
const READ_AGE_MS = 2_000;

type Written = Awaited<ReturnType<TrafficRouter['setTraffic']>>;

/** TrafficRouter over the built-in router: one table, one writer, one wish per service. */
export class LocalTrafficRouter implements TrafficRouter {
  readonly name = 'local';
  /** An acknowledged table is in force for every request that starts afterwards. */
  readonly lagMs = 0;
  readonly #options: LocalTrafficRouterOptions;
  #previews = 0;
  /** Writes are one after another, so that each is judged by what the one before left. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: LocalTrafficRouterOptions) {
    this.#options = options;
  }

  setTraffic(wish: TrafficWish): Promise<Written> {
    return this.#inTurn(() => this.#set(wish));
  }

  async traffic(service: ServiceKey): Promise<TrafficWish | undefined> {
    return this.#options.wishes.value[serviceId(service)];
  }

  removeService(service: ServiceKey, fence: Fence): Promise<void> {
    return this.#inTurn(async () => {
      const { wishes, table, instances } = this.#options;
      const id = serviceId(service);
      const current = wishes.value[id];
      if (current === undefined) return;
      instances.checkFence(fence);
      const late = lateness(fence, current.fence);
      if (late !== null) throw new SlipwayError('refused', late);
      await instances.noteFence(fence);
      const { [id]: _, ...rest } = wishes.value;
      await wishes.save(rest);
      await table.flush();
    });
  }

  async proveAfter(order: {
    service: ServiceKey;
    deadlineMs: number;
    signal: AbortSignal;
  }): Promise<ProofEvidence> {
    const { entry, network, clock } = this.#options;
    const wish = await this.traffic(order.service);
    if (wish === undefined) {
      throw new SlipwayError('refused', `${serviceId(order.service)} has no traffic that could be proven`);
    }
    return await proveAfter({
      wish,
      entry,
      network,
      clock,
      deadlineMs: order.deadlineMs,
      signal: order.signal,
    });
  }

  totals(service: ServiceKey): Promise<ServiceTotals | null> {
    return this.#options.totals.of(serviceId(service));
  }

  async load(service: ServiceKey, version: string): Promise<{ requests: number; streams: number }> {
    const id = serviceId(service);
    const backends = this.#options.table.acknowledged.table.backends.filter(
      (backend) => backend.service === id && backend.version === version,
    );
    const loads = await Promise.all(backends.map((backend) => this.#options.control.load(backend.id)));
    return {
      requests: loads.reduce((total, load) => total + (load?.requests ?? 0), 0),
      streams: loads.reduce((total, load) => total + (load?.streams ?? 0), 0),
    };
  }

  async preview(service: ServiceKey, version: string, request: PreviewRequest): Promise<PreviewAnswer> {
    const { entry, network, instances } = this.#options;
    const ready = instances.ready(service, version);
    const instance = ready[this.#previews++ % Math.max(1, ready.length)];
    if (instance === undefined) {
      throw new SlipwayError(
        'unavailable',
        `${version} has no instance that is ready, so nobody answers its preview`,
      );
    }
    const host = this.#hostOf(await this.traffic(service), request.path);
    const answer = await network.request({
      url: `http://${host}${request.path}`,
      connectTo: entry,
      method: request.method,
      headers: { ...request.headers, [PREVIEW_HEADER]: instance },
      timeoutMs: request.timeoutMs,
      maxBytes: request.maxBytes,
      fresh: true,
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    return {
      status: answer.status,
      headers: answer.headers,
      body: answer.body.toString('utf8'),
      version: answer.headers[REVISION_HEADER] ?? null,
      ms: answer.ms,
    };
  }

  async #set(wish: TrafficWish): Promise<Written> {
    const { wishes, table, instances, clock } = this.#options;
    const id = serviceId(wish.service);
    const { [id]: current, ...others } = wishes.value;
    const refusal = await this.#refusal(wish, current, Object.values(others));
    if (refusal !== null) return { ok: false, reason: refusal };
    // Durable before it takes effect (INV-13): from here on it comes into force, by a later agent if need be.
    await instances.noteFence(wish.fence);
    const startedAt = clock.monotonic();
    await wishes.save({ ...wishes.value, [id]: wish });
    try {
      const { ms, at, table: inForce } = await table.flush();
      // Another write may have carried the wish along before this one looked: then the time since it stood.
      const flipMs = ms > 0 ? ms : clock.monotonic() - startedAt;
      return { ok: true, flipMs, at, generation: inForce.generation };
    } catch (error) {
      // The router stays with its table, so the wish must not stand as if it were in force.
      await wishes.save(current === undefined ? others : { ...others, [id]: current });
      return { ok: false, reason: messageOf(error) };
    }
  }

  async #refusal(
    wish: TrafficWish,
    current: TrafficWish | undefined,
    others: readonly TrafficWish[],
  ): Promise<string | null> {
    const { instances } = this.#options;
    try {
      instances.checkFence(wish.fence);
    } catch (error) {
      return messageOf(error);
    }
    const late = current === undefined ? null : lateness(wish.fence, current.fence);
    if (late !== null) return late;
    const refusedRoutes = routesRefusal(wish, others);
    if (refusedRoutes !== null) return refusedRoutes;
    const capacities = await instances.capacities(wish.service, READ_AGE_MS);
    return trafficRefusal(wish, current, (version) => capacities.get(version) ?? { wanted: 0, proven: 0 });
  }

  /** The host by which people would ask for this path; the entry's own where no route has it. */
  #hostOf(wish: TrafficWish | undefined, path: string): string {
    const { host, port } = this.#options.entry;
    const routed = wish?.routes
      .filter((route) => route.host !== undefined && path.startsWith(route.path))
      .toSorted((a, b) => b.path.length - a.path.length)[0];
    return routed?.host ?? `${host}:${port}`;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

export interface LocalTrafficRouterOptions {
  readonly wishes: JsonFile<TrafficWishes>;
  readonly table: TableWriter;
  readonly totals: TrafficTotals;
  readonly instances: InstancesOfVersions;
  readonly control: RouterControl;
  readonly network: Network;
  readonly clock: Clock;
  readonly entry: { readonly host: string; readonly port: number };
}
