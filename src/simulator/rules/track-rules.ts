import type { Stored } from '../../api/meta.ts';
import type { Release } from '../../api/release.ts';
import type { Track } from '../../api/revision.ts';
import type { Fence } from '../../drivers/cluster-driver.ts';
import { hasEnded } from '../../engine/release/state.ts';
import type { Written } from '../observed-store.ts';
import { releasesOf, type World } from './rule.ts';

/** INV-9: what had changed nothing ends without a change, and what is live changes by a release that succeeded. */
export class TrackRules {
  readonly #world: World;
  /** Subjects for which something was changed in the cluster. */
  readonly #acted = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  effect(fence: Fence | null): void {
    if (fence !== null) this.#acted.add(fence.subject);
  }

  written({ kind, object, before, deleted }: Written): void {
    if (deleted || before === undefined) return;
    if (kind === 'Release') this.#ended(object as Stored<Release>, before as Stored<Release>);
    if (kind === 'Track') this.#live(object as Stored<Track>, before as Stored<Track>);
  }

  #ended({ metadata, status }: Stored<Release>, before: Stored<Release>): void {
    if (status === undefined || !hasEnded(status.phase) || hasEnded(before.status?.phase ?? 'Pending'))
      return;
    if (status.phase === 'Succeeded' || status.direction === 'back') return;
    if (this.#acted.has(`release/${metadata.namespace}/${metadata.name}`))
      this.#world.violated(
        'INV-9',
        `${metadata.name} ended ${status.phase} without a way back, and had acted`,
      );
  }

  #live({ metadata, spec, status }: Stored<Track>, before: Stored<Track>): void {
    const [was, is] = [before.status?.live ?? null, status?.live ?? null];
    if (was === is) return;
    const succeeded = releasesOf(this.#world).some(
      (release) =>
        release.spec.application === spec.application &&
        release.spec.environment === spec.environment &&
        release.spec.to === is &&
        release.status?.phase === 'Succeeded',
    );
    const deleted = is === null && before.status?.work?.purpose === 'delete';
    if (!succeeded && !deleted)
      this.#world.violated(
        'INV-9',
        `${metadata.name} had ${was} live and has ${is}, which no release brought`,
      );
  }
}
