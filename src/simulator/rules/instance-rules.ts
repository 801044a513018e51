import type { Fence } from '../../drivers/cluster-driver.ts';
import { type ClusterEffect, workloadId } from '../cluster-effect.ts';
import { QUARANTINE_MS } from '../ports.ts';
import { releaseOf, type World } from './rule.ts';

/** Rules of instances: their ports, and who works while they are replaced. */
export class InstanceRules {
  readonly #world: World;
  readonly #portsLeft = new Map<number, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A port is not another instance's while a request may still be on its way there (design section 6). */
  port(port: number, what: 'taken' | 'left'): void {
    const { timeline, violated } = this.#world;
    if (what === 'left') {
      this.#portsLeft.set(port, timeline.now);
      return;
    }
    const restedMs = timeline.now - (this.#portsLeft.get(port) ?? Number.NEGATIVE_INFINITY);
    if (restedMs < QUARANTINE_MS) violated('PORTS', `port ${port} is used again after ${restedMs} ms`);
  }

  /** INV-7 of what has no traffic: an old worker leaves when one of the new has been ready. */
  effect(effect: ClusterEffect, fence: Fence | null): void {
    if (effect.type !== 'wish' || effect.before === null || effect.wish.replicas >= effect.before) return;
    const { key, spec } = effect.wish;
    const release = releaseOf(this.#world, fence);
    if (spec.type !== 'worker' || release?.status?.direction !== 'forward') return;
    const plan = release.spec.workloads.find(({ name }) => name === key.workload);
    const number = /-r(\d+)$/.exec(release.spec.to)?.[1];
    const fresh = `${key.workload}-r${number}`;
    if (fresh === key.version || plan?.inTo !== true || plan.replicas === 0) return;
    // What somebody's hand put there beyond its size is no strength that anybody counts on.
    if (effect.wish.replicas >= plan.replicasFrom) return;
    if (this.#world.cluster.workloads.get(workloadId({ ...key, version: fresh }))?.everReady !== true)
      this.#world.violated('INV-7', `${key.version} leaves, and no instance of ${fresh} was ready yet`);
  }
}
