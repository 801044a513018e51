import type { Execution } from '../../api/execution.ts';
import type { Stored } from '../../api/meta.ts';
import type { Release } from '../../api/release.ts';
import type { AgentFrame, ManagerFrame } from '../../execution/protocol.ts';
import type { Role } from '../platform.ts';
import type { World } from './rule.ts';

/**
 * INV-13 at the wire: an agent says that it has an order only when its journal has it, and that an execution
 * has ended only when its journal says so; a manager says that it has a report only when the store has it, and
 * sends no order of an epoch that is over (INV-20).
 */
export class JournalRules {
  readonly #world: World;
  readonly #journal: () => Buffer | undefined;
  /** Ends that the journal has said: it may be rewritten without them before their last words are on their way. */
  readonly #ends = new Set<string>();

  constructor(world: World, journal: () => Buffer | undefined) {
    this.#world = world;
    this.#journal = journal;
  }

  sent(from: Role, text: string): void {
    if (from === 'agent') this.#fromAgent(text);
    else this.#fromManager(text);
  }

  #fromAgent(text: string): void {
    if (!text.startsWith('{"type":"accepted"') && !text.startsWith('{"type":"report"')) return;
    const frame = JSON.parse(text) as AgentFrame;
    if (frame.type === 'accepted' && !this.#holds(`"execution":"${frame.execution}"`))
      this.#world.violated('INV-13', `the agent accepted ${frame.execution}, which is not in its journal`);
    if (frame.type === 'accepted') {
      this.#takenOnce(frame.execution);
      // An order of a name that was there before ends anew.
      const key = JSON.stringify(`${frame.namespace}/${frame.execution}`);
      for (const end of this.#ends) if (end.startsWith(`"key":${key},`)) this.#ends.delete(end);
    }
    if (frame.type !== 'report') return;
    const { phase } = frame.status;
    if (!['Succeeded', 'Failed', 'Cancelled'].includes(phase)) return;
    const key = JSON.stringify(`${frame.namespace}/${frame.execution}`);
    const end = `"key":${key},"status":{"phase":"${phase}"`;
    if (this.#holds(end)) this.#ends.add(end);
    else if (!this.#ends.has(end))
      this.#world.violated(
        'INV-13',
        `the agent reported ${frame.execution} ${phase}, which is not in its journal`,
      );
  }

  #fromManager(text: string): void {
    if (!text.startsWith('{"type":"reported"') && !text.startsWith('{"type":"order"')) return;
    const frame = JSON.parse(text) as ManagerFrame;
    if (frame.type === 'order') this.#ordered(frame);
    if (frame.type !== 'reported') return;
    const { namespace, execution, number } = frame;
    const stored = this.#world.objects.get(`Execution/${namespace}/${execution}`) as
      | Stored<Execution>
      | undefined;
    if (stored === undefined) return;
    const phase = stored.status?.phase ?? 'Pending';
    const known = typeof stored.status?.report === 'number' ? stored.status.report : 0;
    const ended = ['Succeeded', 'Failed', 'Cancelled', 'Refused'].includes(phase);
    if (known < number && !ended)
      this.#world.violated(
        'INV-13',
        `report ${number} of ${execution} was acknowledged, the store has ${known}`,
      );
  }

  /** INV-20: what was ordered before a way back was committed is made, perhaps, and never sent. */
  #ordered({ execution, namespace, spec }: Extract<ManagerFrame, { type: 'order' }>): void {
    if (spec.release === null) return;
    const release = this.#world.objects.get(`Release/${namespace}/${spec.release}`) as
      | Stored<Release>
      | undefined;
    const epoch = release?.status?.epoch ?? spec.epoch;
    if (spec.epoch < epoch)
      this.#world.violated(
        'INV-20',
        `${execution} was sent at epoch ${spec.epoch} after ${epoch} was committed`,
      );
  }

  /** INV-14: an order that comes twice is taken once. */
  #takenOnce(execution: string): void {
    const taken = `{"t":"order","order":{"execution":"${execution}",`;
    const journal = this.#journal();
    const first = journal?.indexOf(taken) ?? -1;
    if (first >= 0 && journal?.includes(taken, first + 1) === true)
      this.#world.violated('INV-14', `the agent took ${execution} a second time`);
  }

  #holds(text: string): boolean {
    return this.#journal()?.includes(text) ?? false;
  }
}
