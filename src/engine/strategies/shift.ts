/** Instances of both sides of one workload at one moment. */
export interface Position {
  readonly from: number;
  readonly to: number;
}

export interface Allowance {
  readonly full: number;
  /** Instances above `full` at one time. */
  readonly surge: number;
  /** Instances below `full` at one time. */
  readonly unavailable: number;
}

/**
 * The moves from one position to another within surge and unavailability: each grows the new side, then
 * shrinks the old one. The old side shrinks below full strength only where there is no room to grow first.
 * Null when no move is allowed (surge 0 and unavailable 0).
 */
export function shift(
  start: Position,
  end: Position,
  { full, surge, unavailable }: Allowance,
): Position[] | null {
  const moves: Position[] = [];
  let { from, to } = start;
  while (from !== end.from || to !== end.to) {
    const before = from + to;
    const room = full + surge - from - to;
    // Only where nothing may be added at all: an instance of the new side that has no traffic yet carries nothing,
    // so that what is above full is never the old side's to lose before a flip.
    const shrinksFirst = surge === 0 && to < end.to;
    if (shrinksFirst) {
      from -= Math.max(0, Math.min(from - end.from, from + to - (full - unavailable)));
      to += Math.max(0, Math.min(end.to - to, full + surge - from - to));
    } else {
      to += Math.max(0, Math.min(end.to - to, room));
      from -= Math.max(0, Math.min(from - end.from, from + to - full));
    }
    // The last of the old may go below full only when the end itself says so, and not before the new is there.
    if (!shrinksFirst && to === end.to && from > end.from && from + to <= full) from = end.from;
    const last = moves.at(-1) ?? start;
    if (last.from === from && last.to === to) return null;
    if (before === from + to && from === start.from && to === start.to) return null;
    moves.push({ from, to });
  }
  return moves;
}
