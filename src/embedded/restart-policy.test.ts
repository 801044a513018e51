import { describe, expect, it } from 'vitest';
import { type Death, MEMORY_MS, restartDelayMs } from './restart-policy.ts';

const now = 1_000_000;
const ready = (ago: number): Death => ({ at: now - ago, wasReady: true });
const failed = (ago: number): Death => ({ at: now - ago, wasReady: false });

describe('restartDelayMs', () => {
  const cases: ReadonlyArray<[name: string, deaths: readonly Death[], delayMs: number]> = [
    ['the first death of a ready process: at once', [ready(0)], 0],
    ['killed again and again while ready: at once', Array.from({ length: 19 }, (_, i) => ready(19 - i)), 0],
    ['one failed start: a breath', [failed(0)], 100],
    ['failed starts in a row: longer and longer', [failed(30), failed(20), failed(0)], 2_000],
    ['many failed starts: no longer than ten seconds', Array.from({ length: 50 }, () => failed(1)), 10_000],
    ['failed starts before it was ready once are forgiven', [failed(30), failed(20), ready(0)], 0],
    ['a failed start after ready deaths counts alone', [ready(30), ready(20), failed(0)], 100],
    ['deaths of long ago are forgotten', [failed(MEMORY_MS), failed(MEMORY_MS + 1), failed(0)], 100],
    ['ready deaths without end slow down too', Array.from({ length: 23 }, () => ready(1)), 2_000],
  ];
  it.each(cases)('%s', (_name, deaths, delayMs) => {
    expect(restartDelayMs(deaths, now)).toBe(delayMs);
  });
});
