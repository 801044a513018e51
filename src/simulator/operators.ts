import type { Application } from '../api/application.ts';
import { API_VERSION, type Stored } from '../api/meta.ts';
import type { Command, Release, Verb } from '../api/release.ts';
import type { Track } from '../api/revision.ts';
import { shortDigest } from '../engine/track/in-place.ts';
import { instant } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { Store } from '../store/store.ts';
import { checkApplication } from './check-application.ts';
import type { Operation, Scenario } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

const NAMESPACE = 'default';
/** Who gives every word, with what the server would know of them from their token. */
const PERSON = { by: 'dana', roles: ['releaser'] } as const;
const DRAIN_FINALIZER = 'slipway.dev/drain';

/** What a person was told is done: it must be there at the end. */
export interface Acknowledged {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface OperatorsOptions {
  readonly store: Store;
  readonly timeline: Timeline;
  readonly random: SeededRandom;
  readonly epochMs: number;
  readonly environments: Scenario['environments'];
  /** An artifact is in the store before the file that names it. */
  uploaded(digest: string): void;
}

/** People at work: they write as the API's handlers do after their checks, and are told what became of it. */
export class Operators {
  readonly acknowledged: Acknowledged[] = [];
  /** Verbs that were given, by verb. */
  readonly given: Record<string, number> = {};
  readonly #options: OperatorsOptions;

  constructor(options: OperatorsOptions) {
    this.#options = options;
  }

  /** Carries out one operation; what the state refuses is refused, as it would be by the API. */
  async carryOut(operation: Operation): Promise<string> {
    const label =
      operation.type === 'verb' || operation.type === 'applicationVerb' ? operation.verb : operation.type;
    this.given[label] = (this.given[label] ?? 0) + 1;
    try {
      switch (operation.type) {
        case 'apply':
          return await this.#apply(operation);
        case 'delete':
          await this.#options.store.delete({
            kind: 'Application',
            namespace: NAMESPACE,
            name: operation.application,
          });
          return 'asked';
        case 'applicationVerb':
          return await this.#command(operation.verb, 'Application', operation.application, operation);
        case 'verb': {
          const change = await this.#changeOf(operation);
          if (change !== null) {
            const { verb, application } = operation;
            return await this.#command(verb, 'Application', application, operation, { change });
          }
          const release = await this.#releaseOf(operation);
          if (release === undefined) return 'no release';
          return await this.#command(operation.verb, 'Release', release, operation);
        }
      }
    } catch (error) {
      if (isSlipwayError(error)) return `refused: ${error.message}`;
      throw error;
    }
  }

  async #apply({ application: name, spec }: Extract<Operation, { type: 'apply' }>): Promise<string> {
    const { store, environments } = this.#options;
    const checked = checkApplication(spec, name, environments);
    if (!checked.ok) return `refused: ${checked.problem}`;
    const parsed = checked.spec;
    for (const { artifact } of Object.values(parsed.workloads ?? {}))
      if (artifact !== undefined) this.#options.uploaded(artifact.slice(artifact.indexOf('@') + 1));
    for (;;) {
      const stored = await store.get<Application>({ kind: 'Application', namespace: NAMESPACE, name });
      try {
        const written =
          stored === undefined
            ? await store.create<Application>({
                apiVersion: API_VERSION,
                kind: 'Application',
                metadata: { name, namespace: NAMESPACE, finalizers: [DRAIN_FINALIZER] },
                spec: parsed,
              })
            : await store.update<Application>({ ...stored, spec: parsed });
        this.acknowledged.push({ kind: 'Application', name, uid: written.metadata.uid });
        return 'applied';
      } catch (error) {
        if (!isSlipwayError(error, 'conflict') && !isSlipwayError(error, 'alreadyExists')) throw error;
      }
    }
  }

  /** What an approval is about where no release is under way: a change in place, by its short name. */
  async #changeOf({
    verb,
    application,
    environment,
  }: Extract<Operation, { type: 'verb' }>): Promise<string | null> {
    if (verb !== 'approve' && verb !== 'reject') return null;
    const name = `${application}-${environment}`;
    const track = await this.#options.store.get<Track>({ kind: 'Track', namespace: NAMESPACE, name });
    const { active, change } = track?.status ?? {};
    return active === null && change?.state === 'waiting' ? shortDigest(change) : null;
  }

  async #releaseOf(operation: Extract<Operation, { type: 'verb' }>): Promise<string | undefined> {
    const { application, environment } = operation;
    if (operation.release !== undefined) return operation.release;
    const { store, random } = this.#options;
    const track = await store.get<Track>({
      kind: 'Track',
      namespace: NAMESPACE,
      name: `${application}-${environment}`,
    });
    const active = track?.status?.active?.release;
    if (active !== undefined && !random.chance(0.05)) return active;
    const { items } = await store.list<Release>('Release', { namespace: NAMESPACE });
    const own = items.filter(
      ({ spec }) => spec.application === application && spec.environment === environment,
    );
    return own.length === 0 ? undefined : random.pick(own as Stored<Release>[]).metadata.name;
  }

  async #command(
    verb: Verb,
    kind: 'Release' | 'Application',
    name: string,
    operation: Operation,
    parameters: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const { store, timeline, random, epochMs } = this.#options;
    const stored = await store.create<Command>({
      apiVersion: API_VERSION,
      kind: 'Command',
      metadata: { name: `${name}-${verb}-${random.suffix(8)}`, namespace: NAMESPACE },
      spec: {
        verb,
        target: { kind, name },
        environment: operation.environment,
        by: PERSON.by,
        roles: [...PERSON.roles],
        at: instant(epochMs + timeline.now),
        why: 'a drill',
        parameters: operation.type === 'applicationVerb' ? { ...operation.parameters } : { ...parameters },
      },
    });
    this.acknowledged.push({ kind: 'Command', name: stored.metadata.name, uid: stored.metadata.uid });
    return 'asked';
  }
}
