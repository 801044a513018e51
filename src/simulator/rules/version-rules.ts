import type { Stored } from '../../api/meta.ts';
import type { Release } from '../../api/release.ts';
import type { Revision, Track } from '../../api/revision.ts';
import type {
  Fence,
  ServiceKey,
  TrafficWish,
  WorkloadKey,
  WorkloadWish,
} from '../../drivers/cluster-driver.ts';
import { canonicalJson } from '../../lib/digest.ts';
import { type ClusterEffect, workloadId } from '../cluster-effect.ts';
import { serviceId } from '../data-plane.ts';
import { objectsOf, releaseOf, SLOWEST_SHARE_OF_LAG, type World } from './rule.ts';

/** Rules of versions and their names: INV-3, INV-6, INV-10, INV-25. Each is looked at after the effect. */
export class VersionRules {
  readonly #world: World;
  /** What stands behind the name of a version, for ever. */
  readonly #contents = new Map<string, string>();
  /** When a table was written that names the version no more. */
  readonly #dropped = new Map<string, number>();
  /** Migrations that were seen to end with code 0, by their workload. */
  readonly #migrated = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  effect(effect: ClusterEffect, fence: Fence | null): void {
    switch (effect.type) {
      case 'wish':
        this.#named(effect.wish);
        this.#schema(effect.wish, fence);
        if (effect.wish.replicas === 0 && (effect.before ?? 0) > 0) this.#gone(workloadId(effect.wish.key));
        return;
      case 'restart':
        this.#replaced(effect.key);
        return;
      case 'remove':
        if (effect.before > 0) this.#gone(workloadId(effect.key));
        return;
      case 'traffic':
        this.#changed(effect.wish.service, effect.before, effect.wish);
        this.#planned(effect.wish, fence);
        return;
      case 'removeService':
        this.#changed(effect.service, effect.before, undefined);
    }
  }

  /** Migrations end between effects. */
  look(): void {
    for (const [id, workload] of this.#world.cluster.workloads)
      if (workload.isJob && workload.instances.some(({ exitCode }) => exitCode === 0)) this.#migrated.add(id);
  }

  /** INV-6: a name says one thing, whoever asks for it and however often. */
  #named({ key, spec }: WorkloadWish): void {
    const id = workloadId(key);
    const content = canonicalJson(spec);
    const known = this.#contents.get(id) ?? content;
    this.#contents.set(id, known);
    if (known !== content) this.#world.violated('INV-6', `${id} was one thing and is another`);
  }

  /** The instances that were proven are those that serve (peers.md row 6): nobody but a person has them replaced. */
  #replaced({ application, environment, version }: WorkloadKey): void {
    const track = this.#world.objects.get(`Track/default/${application}-${environment}`) as
      | Stored<Track>
      | undefined;
    if (track?.status?.work?.purpose !== 'restart')
      this.#world.violated('INV-1', `the proven instances of ${version} are thrown away`);
  }

  /** INV-25: nothing of a revision starts before its migration was seen to end well. */
  #schema({ key, replicas, spec }: WorkloadWish, fence: Fence | null): void {
    const release = releaseOf(this.#world, fence);
    if (replicas === 0 || spec.type === 'migration' || release === undefined) return;
    const revision = this.#world.objects.get(`Revision/default/${release.spec.to}`) as
      | Stored<Revision>
      | undefined;
    const number = /-r(\d+)$/.exec(key.version)?.[1];
    if (revision === undefined || Number(number) !== revision.spec.number) return;
    for (const { name, type } of revision.spec.workloads) {
      if (type !== 'migration') continue;
      const job = workloadId({ ...key, workload: name, version: `${name}-r${number}` });
      this.look();
      if (!this.#migrated.has(job))
        this.#world.violated('INV-25', `${key.version} is started and ${name} has not ended well`);
    }
  }

  #changed(service: ServiceKey, before: TrafficWish | undefined, after: TrafficWish | undefined): void {
    for (const version of Object.keys(before?.weights ?? {}))
      if (after?.weights[version] === undefined)
        this.#dropped.set(workloadId({ ...service, version }), this.#world.timeline.now);
    for (const version of Object.keys(after?.weights ?? {})) {
      const id = workloadId({ ...service, version });
      this.#dropped.delete(id);
      if (!this.#world.cluster.workloads.has(id))
        this.#world.violated('INV-3', `${serviceId(service)} names ${version}, which is not there`);
    }
  }

  /** INV-3: a version goes only after every data plane follows a table without it. */
  #gone(id: string): void {
    const { cluster, timeline, violated } = this.#world;
    const at = this.#dropped.get(id);
    if (at === undefined) return;
    const afterMs = timeline.now - at;
    if (afterMs < cluster.plane.faults.lagMs * SLOWEST_SHARE_OF_LAG)
      violated('INV-3', `${id} goes ${afterMs} ms after the last table that named it`);
  }

  /** INV-10: what a stage keeps for the preview alone gets no ordinary request, and no stage gives more than planned. */
  #planned(wish: TrafficWish, fence: Fence | null): void {
    const release = releaseOf(this.#world, fence);
    const status = release?.status;
    if (release === undefined || status === undefined || fence?.epoch !== status.epoch) return;
    if (status.direction === 'back' || release.spec.strategy.rolling !== undefined) return;
    const stage = release.spec.plan.stages[status.stage];
    const version = `${wish.service.workload}-r${numberOf(this.#world, release)}`;
    const share = wish.weights[version] ?? 0;
    const planned = stage?.result.find(({ workload }) => workload === wish.service.workload)?.weights;
    const most = planned === null || planned === undefined ? 0 : planned.kind === 'fixed' ? planned.to : 100;
    const isOnly = !release.spec.workloads.some(
      ({ name, inFrom }) => name === wish.service.workload && inFrom,
    );
    if (share > most && !isOnly)
      this.#world.violated(
        'INV-10',
        `${version} gets ${share} % in stage ${status.stage + 1} of ${release.metadata.name}, which gives it ${most} %`,
      );
  }
}

const numberOf = (world: World, { spec }: Stored<Release>): number | undefined =>
  (
    objectsOf(world, 'Revision').find(({ metadata }) => metadata.name === spec.to) as
      | Stored<Revision>
      | undefined
  )?.spec.number;
