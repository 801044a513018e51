import type { Stored } from '../../api/meta.ts';
import type { Command, Release } from '../../api/release.ts';
import type { Revision, Track } from '../../api/revision.ts';
import type { Fence } from '../../drivers/cluster-driver.ts';
import { hasEnded } from '../../engine/release/state.ts';
import { canonicalJson } from '../../lib/digest.ts';
import type { Written } from '../observed-store.ts';
import { objectsOf, releasesOf, type World } from './rule.ts';

/** INV-9: what had changed nothing ends without a change, and what is live changes by a release that succeeded. */
export class TrackRules {
  readonly #world: World;
  /** Subjects for which something was changed in the cluster. */
  readonly #acted = new Set<string>();
  /** What the ended releases and deletions so far have made live, by track: the fold of the committed history. */
  readonly #brought = new Map<string, string | null>();
  /** Revisions that were released and are there. */
  readonly #released = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  effect(fence: Fence | null): void {
    if (fence !== null) this.#acted.add(fence.subject);
  }

  written({ kind, object, before, deleted }: Written): void {
    if (kind === 'Release' && before === undefined) this.#new(object as Stored<Release>);
    if (kind === 'Revision' && deleted)
      this.#released.delete(`${object.metadata.namespace}/${object.metadata.name}`);
    if (deleted || before === undefined) return;
    if (kind === 'Release') this.#ended(object as Stored<Release>, before as Stored<Release>);
    if (kind === 'Track') {
      this.#live(object as Stored<Track>, before as Stored<Track>);
      this.#held(object as Stored<Track>, before as Stored<Track>);
    }
  }

  #ended({ metadata, spec, status }: Stored<Release>, before: Stored<Release>): void {
    if (status === undefined || !hasEnded(status.phase) || hasEnded(before.status?.phase ?? 'Pending'))
      return;
    if (status.phase === 'Succeeded') this.#brought.set(`${spec.application}-${spec.environment}`, spec.to);
    if (status.phase === 'Succeeded' || status.direction === 'back') return;
    if (this.#acted.has(`release/${metadata.namespace}/${metadata.name}`))
      this.#world.violated(
        'INV-9',
        `${metadata.name} ended ${status.phase} without a way back, and had acted`,
      );
  }

  /** A hold that a rollback set is for people to lift: nothing releases by itself meanwhile (peers.md row 17). */
  #held({ metadata, status }: Stored<Track>, before: Stored<Track>): void {
    const claims = (track: Track['status']) =>
      [track?.active, ...(track?.queue ?? [])].flatMap((claim) => claim?.claim ?? []);
    const expected = this.#foldedHold(status, before);
    if ((status?.hold?.since ?? null) !== expected)
      this.#world.violated(
        'HOLD',
        `${metadata.name} is held since ${status?.hold?.since}, by its commands since ${expected}`,
      );
    if (before.status?.hold == null || status?.hold == null) return;
    const known = new Set(claims(before.status));
    const fresh = claims(status).find((claim) => claim.startsWith('auto:') && !known.has(claim));
    if (fresh !== undefined)
      this.#world.violated('HOLD', `${metadata.name} is held by ${status.hold.by} and claims ${fresh}`);
    const { active } = status;
    const begins =
      active?.claim.startsWith('auto:') === true && active.release !== before.status.active?.release;
    if (begins)
      this.#world.violated(
        'HOLD',
        `${metadata.name} is held by ${status.hold.by} and begins ${active.release}`,
      );
  }

  /** Since when it is held by the commands that this commit answers: a rollback holds, `resume` and `release` lift. */
  #foldedHold(status: Track['status'], before: Stored<Track>): string | null {
    let since = before.status?.hold?.since ?? null;
    const known = new Set(before.status?.commands?.map(({ uid }) => uid));
    for (const { uid, state, result } of status?.commands ?? []) {
      if (known.has(uid) || state !== 'done') continue;
      const command = objectsOf(this.#world, 'Command').find((each) => each.metadata.uid === uid) as
        | Stored<Command>
        | undefined;
      const claim = [status?.active, ...(status?.queue ?? [])].find(
        (each) => each?.release === result?.release,
      );
      if (command?.spec.verb === 'rollback') {
        since = command.spec.at;
        this.#wentTo(command, claim?.revision);
      }
      if (command?.spec.verb === 'resume') since = null;
      // To say that what it asks for is live, or on its way back already, changes nothing.
      const asked = result?.release !== undefined && claim?.reason !== 'rollback';
      if (command?.spec.verb === 'release' && asked) since = null;
    }
    return since;
  }

  /** Who names a revision to go back to gets that one or none (peers.md row 16). */
  #wentTo({ metadata, spec }: Stored<Command>, revision: string | undefined): void {
    const { to } = spec.parameters;
    if (typeof to !== 'string' || revision === undefined || revision.endsWith(`-${to}`)) return;
    this.#world.violated('INV-24', `${metadata.name} asked for ${to} and goes back to ${revision}`);
  }

  /** The live revision of every track is what its ended releases, in their order, have brought. */
  end(): void {
    for (const object of objectsOf(this.#world, 'Track')) {
      const { metadata, status } = object as Stored<Track>;
      const expected = this.#brought.get(metadata.name) ?? null;
      if ((status?.live ?? null) !== expected)
        this.#world.violated('END', `${metadata.name} has ${status?.live} live, by its history ${expected}`);
    }
  }

  /**
   * Two revisions of a track that are released never say the same: nothing is replaced by its like (peers.md row 11).
   * One that a manager made for a claim that another was first with is named by nobody, and retention takes it.
   */
  #new({ metadata, spec }: Stored<Release>): void {
    const name = (revision: string) => `${metadata.namespace}/${revision}`;
    const fresh = this.#world.objects.get(`Revision/${name(spec.to)}`) as Stored<Revision> | undefined;
    if (fresh === undefined) return;
    const content = canonicalJson([fresh.spec.workloads, fresh.spec.parameters]);
    for (const object of objectsOf(this.#world, 'Revision')) {
      const { metadata: other, spec: said } = object as Stored<Revision>;
      if (other.name === spec.to || !this.#released.has(name(other.name))) continue;
      if (said.application !== spec.application || said.environment !== spec.environment) continue;
      if (canonicalJson([said.workloads, said.parameters]) === content)
        this.#world.violated('INV-6', `${spec.to} is released and says the same as ${other.name}`);
    }
    this.#released.add(name(spec.to));
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
    if (deleted) this.#brought.set(metadata.name, null);
    if (!succeeded && !deleted)
      this.#world.violated(
        'INV-9',
        `${metadata.name} had ${was} live and has ${is}, which no release brought`,
      );
  }
}
