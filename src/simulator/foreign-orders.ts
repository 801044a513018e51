import type { ManagerFrame } from '../execution/protocol.ts';

/** Subject of orders that no program of this version understands. */
export const UNKNOWN_SUBJECT = 'track/default/unknown';

/** Ends the name of such an order. */
export const UNKNOWN_SUFFIX = '-unknown';

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
  return JSON.stringify({
    ...{ type, namespace, execution: `${execution}${UNKNOWN_SUFFIX}`, uid: `${execution}${UNKNOWN_SUFFIX}` },
    spec: {
      ...spec,
      ...{ subject: UNKNOWN_SUBJECT, release: null, purpose: 'retire' },
      instructions: spec.instructions.map((instruction) => word({ ...instruction })),
    },
  });
}
