import type { Execution } from '../api/execution.ts';
import type { Stored } from '../api/meta.ts';
import type { Release, ReleasePhase } from '../api/release.ts';
import { type ExecutionRef, isFinalPhase } from './status-writer.ts';

const ENDED: ReadonlySet<ReleasePhase> = new Set([
  'Succeeded',
  'Aborted',
  'RolledBack',
  'Failed',
  'Superseded',
]);

export const hasEnded = (release: Stored<Release>): boolean =>
  release.status !== undefined && ENDED.has(release.status.phase);

export const subjectOf = ({ metadata }: Stored<Release>): string =>
  `release/${metadata.namespace}/${metadata.name}`;

export const keyOf = ({ metadata }: { metadata: { namespace?: string | undefined; name: string } }): string =>
  `${metadata.namespace ?? ''}/${metadata.name}`;

export const refOf = ({ metadata }: Stored<Execution>): ExecutionRef => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name,
});

/** The executions of one version that matter to dispatch, and the releases that say whether they still do. */
export class DispatchIndex {
  readonly #version: string;
  readonly #executions = new Map<string, Stored<Execution>>();
  readonly #releases = new Map<string, Stored<Release>>();
  /** Before the first list nothing can be said of a release that is not there. */
  releasesKnown = false;

  constructor(version: string) {
    this.#version = version;
  }

  setReleases(releases: readonly Stored<Release>[]): void {
    this.#releases.clear();
    for (const release of releases) this.#releases.set(keyOf(release), release);
    this.releasesKnown = true;
    this.#prune();
  }

  /** Answers what was known before. */
  putRelease(release: Stored<Release>): Stored<Release> | undefined {
    const before = this.#releases.get(keyOf(release));
    this.#releases.set(keyOf(release), release);
    if (hasEnded(release)) this.#prune();
    return before;
  }

  deleteRelease(release: Stored<Release>): void {
    this.#releases.delete(keyOf(release));
    this.#prune();
  }

  setExecutions(executions: readonly Stored<Execution>[]): void {
    this.#executions.clear();
    for (const execution of executions) this.putExecution(execution);
  }

  putExecution(execution: Stored<Execution>): void {
    if (execution.spec.slipwayVersion !== this.#version) return;
    if (this.#matters(execution)) this.#executions.set(keyOf(execution), execution);
    else this.#executions.delete(keyOf(execution));
  }

  deleteExecution(execution: Stored<Execution>): void {
    this.#executions.delete(keyOf(execution));
  }

  execution(key: string): Stored<Execution> | undefined {
    return this.#executions.get(key);
  }

  release(namespace: string, name: string): Stored<Release> | undefined {
    return this.#releases.get(`${namespace}/${name}`);
  }

  unfinished(cluster: string): Stored<Execution>[] {
    return [...this.#executions.values()].filter(
      ({ spec, status }) => spec.cluster === cluster && !isFinalPhase(status?.phase),
    );
  }

  newest(subject: string, cluster: string): Stored<Execution> | undefined {
    return [...this.#executions.values()]
      .filter(({ spec }) => spec.subject === subject && spec.cluster === cluster)
      .sort((a, b) => b.spec.epoch - a.spec.epoch || b.spec.sequence - a.spec.sequence)[0];
  }

  /** The newest that is committed, by the release itself or by an execution that was made at it. */
  epochOf(subject: string): number {
    let epoch = Number.NEGATIVE_INFINITY;
    for (const { spec } of this.#executions.values()) {
      if (spec.subject === subject) epoch = Math.max(epoch, spec.epoch);
    }
    return Math.max(epoch, this.#releaseOf(subject)?.status?.epoch ?? epoch);
  }

  /** Unfinished, or of a release under way: counts of traffic belong to its newest. */
  #matters({ spec, status }: Stored<Execution>): boolean {
    if (!isFinalPhase(status?.phase)) return true;
    const release = this.#releaseOf(spec.subject);
    return release !== undefined && !hasEnded(release);
  }

  #prune(): void {
    for (const [key, execution] of this.#executions) {
      if (!this.#matters(execution)) this.#executions.delete(key);
    }
  }

  #releaseOf(subject: string): Stored<Release> | undefined {
    const [kind, namespace = '', name = ''] = subject.split('/');
    return kind === 'release' ? this.release(namespace, name) : undefined;
  }
}
