import type { Application } from '../../api/application.ts';
import type { Stored } from '../../api/meta.ts';
import type { Track } from '../../api/revision.ts';
import type { Fence, ServiceKey, TrafficWish } from '../../drivers/cluster-driver.ts';
import { evaluateAllowance } from '../../engine/counts.ts';
import { hasEnded } from '../../engine/release/state.ts';
import { type ClusterEffect, workloadId } from '../cluster-effect.ts';
import { serviceId } from '../data-plane.ts';
import { releaseOf, releasesOf, SLOWEST_SHARE_OF_LAG, type World } from './rule.ts';

/** An instance that died so recently excuses a count that was right when it was read, ms. */
const READ_AGE_MS = 2_500;

/** Rules of effects on the cluster: INV-1, 2, 5, 7, 8, 22. Each is looked at after the effect. */
export class TrafficRules {
  readonly #world: World;
  /** Smallest wanted size of each workload so far: a floor that no change of size makes unfair. */
  readonly #sizes = new Map<string, number>();
  /** The latest write of a service that moved shares, and the latest proof. */
  readonly #moved = new Map<string, { atMs: number; lost: readonly string[] }>();
  readonly #proven = new Map<string, number>();
  readonly #served = new Map<string, { atMs: number; count: number }[]>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A size that people asked for. */
  sized(environmentOf: readonly string[], application: string, workload: string, replicas: number): void {
    for (const environment of environmentOf) {
      const key = `${application}/${environment}/${workload}`;
      this.#sizes.set(key, Math.min(replicas, this.#sizes.get(key) ?? Number.POSITIVE_INFINITY));
    }
  }

  proof(service: ServiceKey): void {
    this.#proven.set(serviceId(service), this.#world.timeline.now);
  }

  effect(effect: ClusterEffect, fence: Fence | null): void {
    if (fence !== null) this.#current(fence, effect.type);
    switch (effect.type) {
      case 'wish': {
        const { version: _version, ...service } = effect.wish.key;
        if (effect.before !== null && effect.wish.replicas < effect.before)
          this.#mayShrink(service, effect.wish.key.version, fence, effect.wish.replicas);
        if (effect.wish.replicas === 0 && (effect.before ?? 0) > 0)
          this.#stillNamed(service, effect.wish.key.version);
        this.#floors(service, `${effect.wish.key.version} is wanted ${effect.wish.replicas} times`);
        return;
      }
      case 'remove': {
        const { version, ...service } = effect.key;
        if (effect.before > 0) {
          this.#mayShrink(service, version, null, 0);
          this.#stillNamed(service, version);
        }
        this.#floors(service, `${version} is removed`);
        return;
      }
      case 'traffic':
        this.#written(effect.wish, effect.before);
        this.#floors(effect.wish.service, `${weights(effect.wish)} is written`);
        return;
      case 'restart':
        return;
      case 'removeService':
        this.#moved.delete(serviceId(effect.service));
        return;
      case 'refused':
        // Only a guard held: nobody may have asked for it. INV-1 may be a death since it was looked.
        if ('weights' in effect.wish) this.#admitted(effect.wish, effect.before);
        else if (!this.#isTooLate(effect.wish)) this.#world.violated(effect.rule, effect.reason);
    }
  }

  /** Remembers what served, since a decision may stand on a read that is up to 2 s old. */
  look(): void {
    const { cluster, timeline } = this.#world;
    for (const [id, workload] of cluster.workloads) {
      const seen = this.#served.get(id) ?? [];
      const last = seen.at(-1);
      if (last?.count !== workload.serving) seen.push({ atMs: timeline.now, count: workload.serving });
      while (seen.length > 1 && (seen[1]?.atMs ?? 0) < timeline.now - READ_AGE_MS) seen.shift();
      this.#served.set(id, seen);
    }
  }

  /** INV-22: nothing acts for a release that has ended. */
  #current(fence: Fence, what: string): void {
    const phase = releaseOf(this.#world, fence)?.status?.phase;
    if (phase !== undefined && hasEnded(phase))
      this.#world.violated('INV-22', `${what} for ${fence.subject}, which is ${phase}`);
  }

  /** INV-2, and INV-1. */
  #written(wish: TrafficWish, before: TrafficWish | undefined): void {
    const { timeline, violated } = this.#world;
    const total = Object.values(wish.weights).reduce((sum, weight) => sum + weight, 0);
    if (total !== 100) violated('INV-2', `${serviceId(wish.service)}: ${weights(wish)}`);
    const lost: string[] = [];
    for (const version of Object.keys(before?.weights ?? {}))
      if ((wish.weights[version] ?? 0) < (before?.weights[version] ?? 0)) lost.push(version);
    if (lost.length > 0) this.#moved.set(serviceId(wish.service), { atMs: timeline.now, lost });
    this.#admitted(wish, before);
  }

  /** INV-1: what rises is proven in the number that its share needs. */
  #admitted(wish: TrafficWish, before: TrafficWish | undefined): void {
    const { cluster, timeline, violated } = this.#world;
    for (const [version, weight] of Object.entries(wish.weights)) {
      if (weight <= (before?.weights[version] ?? 0)) continue;
      const id = workloadId({ ...wish.service, version });
      const need = Math.max(1, this.#share(wish.service, weight));
      const recently = Math.max(0, ...(this.#served.get(id) ?? []).map(({ count }) => count));
      const now = cluster.serving({ ...wish.service, version });
      const seen = cluster.reads.provenWhenAsked(wish.service, version);
      if (seen !== undefined && seen.count < need)
        violated(
          'INV-1',
          `${version} was given ${weight} % after ${seen.count} instances were seen proven, ${need} are needed`,
        );
      // One may be proven, be read as such and die between two looks.
      const read = seen !== undefined && timeline.now - seen.atMs <= READ_AGE_MS ? seen.count : 0;
      if (Math.max(now, recently, read) < need)
        violated(
          'INV-1',
          `${version} was given ${weight} % with ${now} proven instances, ${need} are needed`,
        );
    }
  }

  /** It was looked at, and somebody else wrote it after that. */
  #isTooLate(service: ServiceKey): boolean {
    const { cluster } = this.#world;
    const readMs = cluster.reads.trafficReadMs(service);
    return readMs !== null && cluster.hand.editedMs(serviceId(service)) >= readMs;
  }

  /** INV-5: what has traffic is not taken down to nothing, whoever gave it the traffic, once that could be read. */
  #stillNamed(service: ServiceKey, version: string): void {
    const { cluster, violated } = this.#world;
    const weight = cluster.weights(service)[version] ?? 0;
    if (weight > 0 && !this.#isTooLate(service))
      violated('INV-5', `${version} is taken down to nothing with ${weight} %`);
  }

  /** INV-5 and INV-7: what has traffic keeps the size that its share needs. */
  #floors(service: ServiceKey, what: string): void {
    const { cluster, violated } = this.#world;
    // What somebody else has written over stands at no size of ours.
    if (cluster.hand.meddles(serviceId(service))) return;
    const known = cluster.plane.services.get(serviceId(service));
    if (known === undefined) return;
    const named = new Map<string, number>();
    // One that is beyond its lag follows what was taken away long ago.
    const late = this.#world.timeline.now <= known.behindUntilMs || this.#waitedOut(service);
    for (const table of late ? [known.written] : [known.written, known.inForce])
      for (const [version, weight] of Object.entries(table?.weights ?? {}))
        named.set(version, Math.max(weight, named.get(version) ?? 0));
    // Routes that were taken away name nothing any more.
    if (known.written === undefined) return;
    for (const [version, weight] of named) {
      // What a write in flight still shows may be larger than what it asks for.
      const asked = known.written.weights[version] ?? 0;
      const need = Math.max(1, this.#share(service, Math.min(weight, asked === 0 ? weight : asked)));
      const wished = cluster.workloads.get(workloadId({ ...service, version }))?.wish.replicas ?? 0;
      if (wished < need)
        violated(
          'INV-5',
          `${what}: ${version} has ${weight} % and is wanted ${wished} times, its floor is ${need}`,
        );
    }
  }

  /** What lost its share lost it as long ago as an agent waits, whose clock may be too fast. */
  #waitedOut(service: ServiceKey): boolean {
    const { cluster, timeline } = this.#world;
    const moved = this.#moved.get(serviceId(service));
    const { lagMs } = cluster.plane.faults;
    return lagMs > 0 && moved !== undefined && timeline.now - moved.atMs >= lagMs * SLOWEST_SHARE_OF_LAG;
  }

  /** Nothing is scaled down before the proof after the write that took its share (design section 5). */
  #mayShrink(service: ServiceKey, version: string, fence: Fence | null, replicas: number): void {
    // `rolling` moves shares and sizes together, one instance at a time; its proof comes with the last.
    if (replicas > 0 && this.#isRolling(fence)) return;
    if (this.#world.cluster.hand.meddles(serviceId(service))) return;
    const moved = this.#moved.get(serviceId(service));
    if (moved === undefined || !moved.lost.includes(version)) return;
    const proven = this.#proven.get(serviceId(service)) ?? Number.NEGATIVE_INFINITY;
    if (proven < moved.atMs)
      this.#world.violated(
        'INV-5',
        `${version} shrinks before the proof after the flip (${fence?.subject ?? 'removal'})`,
      );
  }

  #isRolling(fence: Fence | null): boolean {
    return releaseOf(this.#world, fence)?.spec.strategy.rolling !== undefined;
  }

  /** Instances that a share needs: the floor of the service times the share, rounded down. */
  #share(service: ServiceKey, weight: number): number {
    const { application, environment, workload } = service;
    const size = Math.min(
      this.#sizes.get(`${application}/${environment}/${workload}`) ?? 1,
      this.#standing(application, environment, workload),
    );
    const unavailable = evaluateAllowance(this.#unavailable(application, workload), size, 'unavailable');
    return Math.floor(((size - unavailable) * weight) / 100 + 0.01);
  }

  /** What a release under way and the track say that the size is. */
  #standing(application: string, environment: string, workload: string): number {
    const sizes = releasesOf(this.#world)
      .filter(
        ({ spec, status }) =>
          spec.application === application &&
          spec.environment === environment &&
          !hasEnded(status?.phase ?? 'Pending'),
      )
      .map(({ spec }) => spec.replicas[workload] ?? 1);
    const track = this.#world.objects.get(`Track/default/${application}-${environment}`) as
      | Stored<Track>
      | undefined;
    const stands = track?.status?.replicas?.[workload];
    return Math.min(...sizes, stands ?? Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER);
  }

  #unavailable(application: string, workload: string): number | string {
    const stored = this.#world.objects.get(`Application/default/${application}`) as
      | Stored<Application>
      | undefined;
    return stored?.spec.workloads?.[workload]?.maxUnavailable ?? 1;
  }
}

const weights = ({ weights: written }: TrafficWish): string =>
  Object.entries(written)
    .map(([version, weight]) => `${weight} % ${version}`)
    .join(', ');
