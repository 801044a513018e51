import type { ManagerFrame } from '../execution/protocol.ts';

/** Subject of orders that no program of this version understands. */
export const UNKNOWN_SUBJECT = 'track/default/unknown';
/** Ends the name of such an order, and of one that comes before its turn. */
export const UNKNOWN_SUFFIX = '-unknown';
export const EARLY_SUFFIX = '-early';

/**
 * What somebody sends who should not: words of a `newer` program, an order of an `older` epoch or step by whoever was
 * replaced, a step `early`, before the one that it follows has ended.
 */
export type ForeignOrder = 'newer' | 'older' | 'early';

type Order = Extract<ManagerFrame, { type: 'order' }>;
type Field = Record<string, unknown>;

/** What a newer program may say that this one does not know, each in an order that is otherwise right. */
const UNKNOWN_WORDS: readonly ((instruction: Field) => Field)[] = [
  (instruction) => ({ ...instruction, type: 'teleportWorkload' }),
  (instruction) =>
    'side' in instruction ? { ...instruction, side: 'beside' } : { ...instruction, haste: 1 },
  (instruction) =>
    'replicas' in instruction
      ? { ...instruction, replicas: { kind: 'plenty' } }
      : { ...instruction, type: 'removeEverything' },
];

/** An order like this one as a newer program might word it, for a subject of its own. INV-19: it is refused. */
export function unknownOrder(text: string, pick: number): string {
  const { type, execution, namespace, spec } = JSON.parse(text) as Order;
  const word = UNKNOWN_WORDS[Math.floor(pick * UNKNOWN_WORDS.length)] ?? ((instruction) => instruction);
  const name = `${execution}${UNKNOWN_SUFFIX}`;
  return JSON.stringify({
    ...{ type, namespace, execution: name, uid: name },
    spec: {
      ...spec,
      ...{ subject: UNKNOWN_SUBJECT, release: null, purpose: 'retire' },
      instructions: spec.instructions.map((instruction) => word({ ...instruction })),
    },
  });
}

/** Orders as they were sent, and what somebody may make of them. */
export class ForeignOrders {
  /** First orders by subject: what an old leader may still have to say. */
  readonly #first = new Map<string, { readonly execution: string; readonly text: string }>();
  readonly #sent = new Set<string>();

  /** What follows this order by somebody else's doing; null where this one gives no occasion. */
  behind(text: string, what: ForeignOrder, pick: number): string | null {
    const order = JSON.parse(text) as Order;
    switch (what) {
      case 'newer':
        return unknownOrder(text, pick);
      case 'older': {
        const first = this.#first.get(order.spec.subject);
        return first === undefined || first.execution === order.execution ? null : first.text;
      }
      case 'early':
        return this.#early(order);
    }
  }

  /** An order was sent. */
  remember(text: string): void {
    const { execution, spec } = JSON.parse(text) as Order;
    this.#sent.add(execution);
    if (!this.#first.has(spec.subject)) this.#first.set(spec.subject, { execution, text });
  }

  /** Only behind one that is sent for the first time and does something: else the next step might be in its turn. */
  #early(order: Order): string | null {
    const { execution, spec } = order;
    if (this.#sent.has(execution) || spec.instructions.every(({ type }) => type === 'runGate')) return null;
    const name = `${execution}${EARLY_SUFFIX}`;
    return JSON.stringify({
      ...order,
      execution: name,
      uid: name,
      spec: { ...spec, sequence: spec.sequence + 1 },
    });
  }
}
