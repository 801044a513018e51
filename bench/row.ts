/**
 * One measured figure of performance.md. The machine is shared, so only what was taken in the same run can
 * be compared: a row's value is a ratio to its peer wherever there is one.
 */
export interface Row {
  /** Number of the goal in performance.md, with what of it: `P1 CPU per small request`. */
  readonly row: string;
  /** Null where it could not be measured; the note says why. */
  readonly value: number | null;
  /** `x nginx`, `ms`, `failures`. */
  readonly unit: string;
  /** `<= 1.5`. */
  readonly goal: string;
  /** What the peers measured in the same run; null where none is installed. */
  readonly peer: string | null;
  /** What no implementation could go below, in the same run; null where there is no such figure. */
  readonly floor: string | null;
  /** Whether the goal is reached; null where it could not be measured. */
  readonly ok: boolean | null;
  readonly note: string;
}

/** A row that could not be measured here, with the reason. */
export function skipped(row: string, unit: string, goal: string, why: string): Row {
  return { row, value: null, unit, goal, peer: null, floor: null, ok: null, note: `skipped: ${why}` };
}

/** Rounded to what the measurement can tell. */
export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
