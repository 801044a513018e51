import type { Release } from '../../api/release.ts';
import type { Written } from '../observed-store.ts';
import type { Onlooker, Watched } from '../onlooker.ts';
import { releasesOf } from '../rules/rule.ts';
import type { Operation } from '../scenario.ts';
import type { SeededRandom } from '../seeded-random.ts';

export interface PeopleOptions {
  readonly random: SeededRandom;
  readonly application: string;
  readonly environment: string;
  /** The release that is rehearsed, by name. */
  readonly release: string;
  /** So long after it succeeded somebody asks for the way back; null: nobody does. */
  readonly goBackAfterMs: number | null;
}

type VerbOperation = Extract<Operation, { type: 'verb' }>;

/** Asked again where the first word met nothing: a pause may have ended and begun again meanwhile, ms. */
const AGAIN_MS = 30_000;

/** Attentive people: they answer what a release waits for them to answer, and go back when the drill says so. */
export class People implements Onlooker {
  readonly #options: PeopleOptions;
  readonly #answering = new Set<string>();
  #watched: Watched | undefined;
  #goBack: 'none' | 'planned' | 'asked' = 'none';

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  /** Something is still to be said. */
  get isBusy(): boolean {
    return this.#goBack === 'planned';
  }

  begins(watched: Watched): void {
    this.#watched = watched;
  }

  written({ object, deleted }: Written): void {
    if (deleted || object.kind !== 'Release') return;
    const { metadata, status } = object as unknown as Release;
    if (status === undefined) return;
    if (this.#verbFor(metadata.name) !== null) this.#answerSoon(metadata.name);
    if (metadata.name === this.#options.release && status.phase === 'Succeeded') this.#planWayBack();
  }

  #answerSoon(release: string, afterMs = this.#options.random.between(500, 8_000)): void {
    if (this.#answering.has(release)) return;
    this.#answering.add(release);
    this.#watched?.world.timeline.after(afterMs, () => {
      this.#answering.delete(release);
      const verb = this.#verbFor(release);
      if (verb === null) return;
      this.#ask({ type: 'verb', verb, release });
      this.#answerSoon(release, AGAIN_MS);
    });
  }

  /** What unblocks a release that waits for a person. */
  #verbFor(release: string): VerbOperation['verb'] | null {
    const world = this.#watched?.world;
    const found =
      world === undefined ? undefined : releasesOf(world).find(({ metadata }) => metadata.name === release);
    const waits = found?.status?.waiting.for;
    if (waits === 'approval') return 'approve';
    if (waits === 'promotion') return 'promote';
    // Stopped by a failure: whoever looks at it ends it.
    return waits === 'person' ? 'abort' : null;
  }

  #planWayBack(): void {
    const { goBackAfterMs } = this.#options;
    if (goBackAfterMs === null || this.#goBack !== 'none') return;
    this.#goBack = 'planned';
    this.#watched?.world.timeline.after(goBackAfterMs, () => {
      this.#goBack = 'asked';
      this.#ask({ type: 'applicationVerb', verb: 'rollback', parameters: {} });
    });
  }

  #ask(
    deed:
      | Omit<VerbOperation, 'atMs' | 'application' | 'environment'>
      | { type: 'applicationVerb'; verb: 'rollback'; parameters: Record<string, never> },
  ): void {
    const { application, environment } = this.#options;
    const atMs = this.#watched?.world.timeline.now ?? 0;
    this.#watched?.ask({ atMs, application, environment, ...deed });
  }
}
