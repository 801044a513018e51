import { countOf } from '../../agent/context.ts';
import type { Execution } from '../../api/execution.ts';
import type { Stored } from '../../api/meta.ts';
import { versionName } from '../../engine/application/revision.ts';
import { workloadId } from '../cluster-effect.ts';
import type { Written } from '../observed-store.ts';
import type { World } from './rule.ts';

type Ordered = Execution['spec']['instructions'][number];

/** INV-15: a step that is said to be done is done; the next one stands on it. INV-14: it is not begun again. */
export class DoneRules {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  written({ kind, object, before, deleted }: Written): void {
    if (kind !== 'Execution' || deleted) return;
    const execution = object as Stored<Execution>;
    const known = new Map(
      (before as Stored<Execution> | undefined)?.status?.instructions.map(({ id, state }) => [id, state]),
    );
    for (const { id, state } of execution.status?.instructions ?? []) {
      if (state !== 'done' && known.get(id) === 'done')
        this.#world.violated('INV-14', `${id} of ${execution.metadata.name} was done and is ${state} again`);
      if (state !== 'done' || known.get(id) === 'done') continue;
      const ordered = execution.spec.instructions.find((each) => each.id === id);
      const why = ordered === undefined ? null : this.#whyNot(execution, ordered);
      if (why !== null)
        this.#world.violated('INV-15', `${id} of ${execution.metadata.name} is done, and ${why}`);
    }
  }

  /** What shows that it is not done, in words; null where nothing does, or another order has been carried out since. */
  #whyNot({ metadata, spec }: Stored<Execution>, ordered: Ordered): string | null {
    if (ordered.type !== 'drain' && ordered.type !== 'removeWorkload') return null;
    const number = spec[ordered.side]?.spec.number;
    if (number === undefined) return null;
    const version = versionName(ordered.workload, number);
    const { namespace = '' } = metadata;
    const { application, environment } = spec;
    const key = { namespace, application, environment, workload: ordered.workload, version };
    const workload = this.#world.cluster.workloads.get(workloadId(key));
    if (workload === undefined) return null;
    const { subject, epoch, sequence } = workload.wish.fence;
    if (subject !== spec.subject || epoch !== spec.epoch || sequence !== spec.sequence) return null;
    if (ordered.type === 'removeWorkload') return `${version} is there`;
    // The next step of the same order may have asked for another number while this one's end was still on its way.
    const { workload: name, side, replicas } = ordered;
    if (workload.wish.replicas !== countOf(spec, side, name, replicas)) return null;
    const left = workload.instances.filter(({ state }) => state !== 'exited').length;
    return left > workload.wish.replicas
      ? `${left} of ${version} are left, ${workload.wish.replicas} are wanted`
      : null;
  }
}
