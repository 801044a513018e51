import type { Execution, GateRun } from '../../api/execution.ts';
import type { Stored } from '../../api/meta.ts';
import type { Fence } from '../../drivers/cluster-driver.ts';
import type { CommandOutcome, RunCommand } from '../../lib/processes.ts';
import { type ClusterEffect, workloadId } from '../cluster-effect.ts';
import type { Written } from '../observed-store.ts';
import { releasesOf, type World } from './rule.ts';

/**
 * INV-14: what may not be done twice is not begun again by itself while nobody knows what it did. A command is
 * begun only when the agent's journal says so, and again only when its end was seen; a migration has one instance
 * per order; and after an end that nobody saw, a new order needs a person's `retry`.
 */
export class OnceRules {
  readonly #world: World;
  readonly #journal: () => Buffer | undefined;
  /** Commands that were begun, by the order and the command; those whose end was seen are not here. */
  readonly #open = new Set<string>();
  readonly #jobs = new Map<string, Set<string>>();

  constructor(world: World, journal: () => Buffer | undefined) {
    this.#world = world;
    this.#journal = journal;
  }

  /** A command of a gate is started; call what is returned when the agent knows how it ended. */
  ran({ argv, env }: RunCommand): (outcome: CommandOutcome) => void {
    // Two gates may run the same program with other words.
    const program = argv.join(' ');
    const release = releasesOf(this.#world).find(({ metadata }) => metadata.name === env.SLIPWAY_RELEASE);
    const gate = release?.spec.gates.find(({ command }) => command?.argv.join(' ') === program);
    if (gate?.command?.idempotent !== false) return () => {};
    const order = this.#noted(release?.metadata.name ?? '');
    if (order === null)
      this.#world.violated('INV-14', `${program} runs for ${env.SLIPWAY_RELEASE} and no journal says so`);
    const answered = this.#world.objects.get(`GateRun/default/${order}-${gate.name}`) as
      | Stored<GateRun>
      | undefined;
    // A person's word may come while the agent still asks.
    if (answered?.status?.state === 'done' && answered.status.by === null)
      this.#world.violated('INV-14', `${program} of ${order} runs again after its gate was decided`);
    const key = `${order} ${program}`;
    if (this.#open.has(key))
      this.#world.violated('INV-14', `${program} of ${order} runs again, and nobody saw how it ended`);
    this.#open.add(key);
    return ({ exitCode }) => {
      if (exitCode !== null) this.#open.delete(key);
    };
  }

  effect(effect: ClusterEffect, fence: Fence | null): void {
    if (effect.type !== 'wish' || effect.wish.spec.type !== 'migration' || fence === null) return;
    const id = workloadId(effect.wish.key);
    const order = `${fence.subject} e${fence.epoch} s${fence.sequence} ${id}`;
    const seen = this.#jobs.get(order) ?? new Set();
    this.#jobs.set(order, seen);
    for (const instance of this.#world.cluster.workloads.get(id)?.instances ?? []) seen.add(instance.id);
    if (seen.size > 1) this.#world.violated('INV-14', `${id} runs ${seen.size} times for one order`);
  }

  written({ kind, object, before }: Written): void {
    if (kind !== 'Execution' || before !== undefined) return;
    const { metadata, spec } = object as Stored<Execution>;
    if (spec.release === null || !spec.instructions.some(isOnceOnly)) return;
    for (const other of this.#world.objects.values()) {
      if (other.kind !== 'Execution' || other.metadata.name === metadata.name) continue;
      const { spec: earlier, status } = other as Stored<Execution>;
      if (earlier.subject !== spec.subject || earlier.stage !== spec.stage || earlier.epoch !== spec.epoch)
        continue;
      const same = earlier.instructions.some(
        (each) => isOnceOnly(each) && spec.instructions.some(({ id }) => id === each.id),
      );
      if (status?.failure?.reason !== 'unknownOutcome' || !same) continue;
      const release = releasesOf(this.#world).find((each) => each.metadata.name === spec.release);
      const asked = release?.status?.commands.some(
        ({ verb, outcome }) => verb === 'retry' && !outcome.startsWith('refused'),
      );
      if (asked !== true)
        this.#world.violated(
          'INV-14',
          `${metadata.name} repeats ${other.metadata.name} and nobody asked for it`,
        );
    }
  }

  /** The order whose command the journal says is about to run: the last word of it about this release. */
  #noted(release: string): string | null {
    const text = this.#journal()?.toString('utf8') ?? '';
    const lines = text.split('\n').filter((line) => line.includes('"note":"asking"'));
    for (const line of lines.reverse()) {
      const order = /"key":"[^/"]+\/([^"]+)"/.exec(line)?.[1];
      if (order !== undefined && order.replace(/-e\d+-s\d+$/, '') === release) return order;
    }
    return null;
  }
}

const isOnceOnly = (instruction: Execution['spec']['instructions'][number]): boolean =>
  instruction.type === 'runJob' ||
  (instruction.type === 'runGate' && instruction.gate.command?.idempotent === false);
