import { randomBytes, randomUUID } from 'node:crypto';

/** Randomness as a port: the simulator's is seeded and splittable. */
export interface Random {
  /** 0 ≤ x < 1. For jitter and choices, never for secrets. */
  next(): number;
  uuid(): string;
  /** Lower-case letters and digits that are hard to misread; for names. */
  suffix(length: number): string;
  /** Unpredictable bytes, for tokens and keys. */
  bytes(length: number): Buffer;
}

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** The operating system's generator. */
export function systemRandom(): Random {
  return {
    next: () => randomBytes(4).readUInt32BE() / 2 ** 32,
    uuid: () => randomUUID(),
    suffix: (length) => Array.from(randomBytes(length), (b) => ALPHABET[b % ALPHABET.length]).join(''),
    bytes: (length) => randomBytes(length),
  };
}
