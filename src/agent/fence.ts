/**
 * Which orders an agent takes (INV-12, INV-14, INV-15, INV-20). Per subject the highest (epoch, sequence)
 * that was ever taken is durable; nothing older has an effect again. Pure.
 */
export interface Position {
  readonly epoch: number;
  readonly sequence: number;
}

export interface OrderIdentity extends Position {
  readonly execution: string;
  readonly uid: string;
  readonly subject: string;
  /** It asks gates and changes nothing. A person may skip a gate while it is being asked. */
  readonly asksOnly: boolean;
}

export type Admission =
  /** Never seen: journal it, then what it overtakes stops, then it starts. */
  | { readonly kind: 'new' }
  /** Seen: one effect; say again what came of it. */
  | { readonly kind: 'repeat' }
  | { readonly kind: 'refused'; readonly reason: string };

export interface FenceView {
  /** Highest position taken for the subject. */
  readonly highest: Position | undefined;
  /** What is held under the same name. */
  readonly held: OrderIdentity | undefined;
  /** Held executions of the subject that have not ended. */
  readonly unfinished: readonly OrderIdentity[];
}

export function admit(order: OrderIdentity, view: FenceView): Admission {
  const { highest, held } = view;
  if (held !== undefined) {
    if (held.uid === order.uid && held.subject === order.subject && comparePositions(held, order) === 0) {
      return { kind: 'repeat' };
    }
    return refused(`another order named ${order.execution} is held (epoch ${held.epoch}, uid ${held.uid})`);
  }
  if (highest === undefined) return { kind: 'new' };
  if (order.epoch < highest.epoch) {
    return refused(`epoch ${order.epoch} is older than ${highest.epoch} of ${order.subject} (INV-12)`);
  }
  if (order.epoch === highest.epoch && order.sequence <= highest.sequence) {
    return refused(
      `step ${order.sequence} of epoch ${order.epoch} is over; ${order.subject} is at step ${highest.sequence} (INV-22)`,
    );
  }
  const before = view.unfinished.find((other) => other.epoch === order.epoch && !other.asksOnly);
  if (before !== undefined) {
    return refused(`step ${before.sequence} of ${order.subject} has not ended (INV-15)`);
  }
  return { kind: 'new' };
}

/** Whether the older of a subject must have stopped before the newer starts (INV-20). */
export const overtakes = (newer: Position, older: OrderIdentity): boolean =>
  older.epoch < newer.epoch ||
  (older.epoch === newer.epoch && older.sequence < newer.sequence && older.asksOnly);

/** Below 0 when `a` is older. */
export function comparePositions(a: Position, b: Position): number {
  return a.epoch === b.epoch ? a.sequence - b.sequence : a.epoch - b.epoch;
}

/** After `cancel`: everything below the epoch is refused, the epoch itself may begin at any step. */
export function raise(highest: Position | undefined, belowEpoch: number): Position | undefined {
  return highest !== undefined && highest.epoch >= belowEpoch
    ? undefined
    : { epoch: belowEpoch, sequence: -1 };
}

const refused = (reason: string): Admission => ({ kind: 'refused', reason });
