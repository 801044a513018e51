/** Seeded randomness, so that a load that found something can be repeated with `--seed`. */

export interface LoadRandom {
  /** Whole number, both ends included. */
  between(low: number, high: number): number;
  pick<T>(choices: readonly [T, ...T[]]): T;
  bytes(length: number): Buffer;
  /** An independent generator: clients must not change each other's numbers by their timing. */
  split(): LoadRandom;
}

/** mulberry32: small, fast and good enough to vary traffic. */
export function seededRandom(seed: number): LoadRandom {
  let state = seed >>> 0;
  const next32 = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  const between = (low: number, high: number) => low + Math.floor((next32() / 2 ** 32) * (high - low + 1));
  return {
    between,
    pick: (choices) => choices[between(0, choices.length - 1)] ?? choices[0],
    bytes: (length) => {
      const bytes = Buffer.allocUnsafe(length);
      for (let at = 0; at < length; at += 1) bytes[at] = at % 4 === 0 ? next32() & 0xff : (at * 167) & 0xff;
      return bytes;
    },
    split: () => seededRandom(next32()),
  };
}
