import type { Stored } from '../../api/meta.ts';
import type { Command } from '../../api/release.ts';
import type { Revision, Track } from '../../api/revision.ts';
import { hasEnded } from '../../engine/release/state.ts';
import type { Written } from '../observed-store.ts';
import { objectsOf, releasesOf, type World } from './rule.ts';

/**
 * INV-24: what serves, what is gone back to and what a release under way needs stays retrievable: its revision,
 * and its artifact. INV-26: what is pinned never changes.
 */
export class KeptRules {
  readonly #world: World;
  /** Settled commands that retention took: they were not lost. */
  readonly collected = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  written({ kind, object, before, deleted }: Written): void {
    if (kind === 'Command' && deleted && isSettled(object as Stored<Command>))
      this.collected.add(object.metadata.uid);
    if (kind !== 'Revision') return;
    const { name } = object.metadata;
    const { digest } = (object as Stored<Revision>).spec;
    if (!deleted && before !== undefined && (before as Stored<Revision>).spec.digest !== digest)
      this.#world.violated('INV-26', `revision ${name} was changed`);
    if (!deleted) return;
    const why = this.#needs(name);
    if (why !== null) this.#world.violated('INV-24', `revision ${name} was collected, and ${why}`);
  }

  artifactRemoved(digest: string): void {
    for (const [id, { wish }] of this.#world.cluster.workloads)
      if (wish.replicas > 0 && wish.spec.artifact?.endsWith(digest) === true)
        this.#world.violated('INV-24', `the artifact of ${id}, which runs, was collected`);
    for (const object of objectsOf(this.#world, 'Revision')) {
      const { metadata, spec } = object as Stored<Revision>;
      if (spec.workloads.some(({ artifact }) => artifact?.endsWith(digest)))
        this.#world.violated('INV-24', `the artifact of revision ${metadata.name} was collected`);
    }
  }

  /** Who needs this revision, in words; null: nobody. */
  #needs(name: string): string | null {
    for (const object of objectsOf(this.#world, 'Track')) {
      const { metadata, status } = object as Stored<Track>;
      if (status === undefined) continue;
      if (status.live === name) return `it is live in ${metadata.name}`;
      if (status.previous === name) return `rollback of ${metadata.name} goes there`;
      if (status.warm.some(({ revision }) => revision === name)) return `it is warm in ${metadata.name}`;
      if (status.work?.revision === name) return `${metadata.name} works on it`;
    }
    const release = releasesOf(this.#world).find(
      ({ spec, status }) => !hasEnded(status?.phase ?? 'Pending') && [spec.from, spec.to].includes(name),
    );
    return release === undefined ? null : `${release.metadata.name} is under way with it`;
  }
}

const isSettled = ({ status }: Stored<Command>): boolean =>
  status?.state === 'done' || status?.state === 'refused';
