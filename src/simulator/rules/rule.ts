import type { Stored } from '../../api/meta.ts';
import type { Release } from '../../api/release.ts';
import type { Fence } from '../../drivers/cluster-driver.ts';
import type { SimulatedCluster } from '../cluster.ts';
import type { Scenario } from '../scenario.ts';
import type { Timeline } from '../timeline.ts';

/** An agent whose clock is too fast waits a little less than the lag; see draw-faults.ts for how much. */
export const SLOWEST_SHARE_OF_LAG = 0.9;

/** A promise that was broken, by its number in invariants.md where it has one. */
export interface Violation {
  readonly rule: string;
  readonly message: string;
  readonly atMs: number;
}

/** What every rule may look at. Rules look and never touch. */
export interface World {
  readonly scenario: Scenario;
  readonly timeline: Timeline;
  readonly cluster: SimulatedCluster;
  /** Every object as last committed, by `kind/namespace/name`. */
  readonly objects: ReadonlyMap<string, Stored>;
  violated(rule: string, message: string): void;
}

export const objectsOf = <T extends { kind: string }>(world: World, kind: T['kind']): Stored[] =>
  [...world.objects.values()].filter((object) => object.kind === kind);

/** The release that an effect is for; undefined: work outside releases, or nobody's. */
export function releaseOf(world: World, fence: Fence | null): Stored<Release> | undefined {
  const name = /^release\/(.+)$/.exec(fence?.subject ?? '')?.[1];
  return name === undefined
    ? undefined
    : (world.objects.get(`Release/${name}`) as Stored<Release> | undefined);
}

export const releasesOf = (world: World): Stored<Release>[] =>
  objectsOf(world, 'Release') as unknown as Stored<Release>[];
