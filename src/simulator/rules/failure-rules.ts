import { durationMs } from '../../api/duration.ts';
import type { Execution } from '../../api/execution.ts';
import type { Stored } from '../../api/meta.ts';
import type { Release } from '../../api/release.ts';
import type { Revision } from '../../api/revision.ts';
import type { Written } from '../observed-store.ts';
import type { World } from './rule.ts';

/** Faults after which a version may not come up, or its proof not be given, whatever its programs are. */
const OTHERS_DOING: ReadonlySet<string> = new Set([
  'killInstance',
  'killProven',
  'killRouter',
  'foreignEdit',
]);
/** A program of ours met what it holds for impossible. */
const ASSERTIONS: ReadonlySet<string> = new Set([
  'invariant',
  'internal',
  'noWorkload',
  'gateKind',
  'noRoom',
]);
/** Said of instances that do not come up or do not answer. */
const OF_INSTANCES: ReadonlySet<string> = new Set(['proofMissing', 'startTimeout', 'crashLoop']);

/** Nothing fails for no reason but our own: INV-7 of ways back and of a broken stable version, and what asserts. */
export class FailureRules {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  written({ kind, object, before, deleted }: Written): void {
    if (deleted) return;
    if (kind === 'Release') {
      const release = object as Stored<Release>;
      const was = (before as Stored<Release> | undefined)?.status?.phase;
      if (was !== 'Failed' && release.status?.phase === 'Failed') this.#wayBackFailed(release);
    }
    if (kind !== 'Execution') return;
    const execution = object as Stored<Execution>;
    const was = (before as Stored<Execution> | undefined)?.status?.phase;
    if (was === 'Failed' || execution.status?.phase !== 'Failed') return;
    this.#asserted(execution);
    this.#blockedByOld(execution);
    this.#unfounded(execution);
  }

  /** The way back fails where the old version cannot come up, and for no reason of our own. */
  #wayBackFailed({ metadata, spec, status }: Stored<Release>): void {
    const from = this.#world.objects.get(`Revision/${metadata.namespace}/${spec.from}`) as
      | Stored<Revision>
      | undefined;
    if (!this.#disturbed && this.#comesUp(from?.spec.workloads ?? []))
      this.#world.violated(
        'INV-7',
        `the way back of ${metadata.name} failed: ${status?.failure?.message ?? 'no reason'}`,
      );
  }

  #asserted({ metadata, status }: Stored<Execution>): void {
    if (ASSERTIONS.has(status?.failure?.reason ?? ''))
      this.#world.violated('ASSERT', `${metadata.name} failed: ${status?.failure?.message}`);
  }

  /** A stable version that is broken keeps nobody from replacing it (peers.md row 5). */
  #blockedByOld({ metadata, spec, status }: Stored<Execution>): void {
    const version = /^traffic of .*\((\S+) may not have/.exec(status?.failure?.message ?? '')?.[1];
    const number = /-r(\d+)$/.exec(version ?? '')?.[1];
    // Somebody else may have taken from it the share that the stage only means to lessen.
    if (this.#world.scenario.faults.some(({ type }) => type === 'foreignEdit')) return;
    if (number === undefined || spec.release === null || spec.from?.spec.number !== Number(number)) return;
    const release = this.#world.objects.get(`Release/default/${spec.release}`) as Stored<Release> | undefined;
    if (release?.status?.direction === 'forward' && spec.epoch === release.status.epoch)
      this.#world.violated('INV-7', `${metadata.name} is kept from leaving ${version} by its failing`);
  }

  /** Instances that come up are not waited for in vain. */
  #unfounded({ metadata, spec, status }: Stored<Execution>): void {
    if (!OF_INSTANCES.has(status?.failure?.reason ?? '') || this.#disturbed) return;
    const workloads = [...spec.to.spec.workloads, ...(spec.from?.spec.workloads ?? [])];
    if (this.#comesUp(workloads))
      this.#world.violated('INV-28', `${metadata.name} failed for no reason: ${status?.failure?.message}`);
  }

  get #disturbed(): boolean {
    const { faults, plane } = this.#world.scenario;
    return plane.stuck > 0 || faults.some(({ type }) => OTHERS_DOING.has(type));
  }

  #comesUp(workloads: Revision['spec']['workloads']): boolean {
    return workloads.every(({ env, readiness }) => {
      const { startMs, serveMs, outage, crashesAtStart, crashEveryMs, flapEveryMs } =
        this.#world.cluster.programs.of(env);
      // A start takes up to 1.3 times as long as the program says (instance.ts).
      const inTime = startMs * 1.3 < durationMs(readiness?.startTimeout ?? '60s');
      const starts = inTime && Number.isFinite(serveMs) && !crashesAtStart && outage === null;
      return starts && crashEveryMs === null && flapEveryMs === null;
    });
  }
}
