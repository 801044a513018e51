import type { Clock } from '../../src/lib/clock.ts';

/**
 * A clock whose time passes as soon as nothing else can happen: when all promises have settled, it jumps to
 * the next timer. Minutes of waiting then cost nothing. For code that touches no real socket or file.
 */
export function autoClock(startAt = Date.parse('2026-11-20T14:02:11.123Z')): Clock {
  let nowMs = 0;
  let nextId = 0;
  let pumping = false;
  const timers = new Map<number, { at: number; callback: () => void }>();

  const pump = () => {
    pumping = false;
    let first: [number, { at: number; callback: () => void }] | undefined;
    for (const entry of timers) if (first === undefined || entry[1].at < first[1].at) first = entry;
    if (first === undefined) return;
    timers.delete(first[0]);
    nowMs = Math.max(nowMs, first[1].at);
    first[1].callback();
    arm();
  };
  const arm = () => {
    if (pumping || timers.size === 0) return;
    pumping = true;
    // After every microtask, so that whoever was woken has acted before time goes on.
    setImmediate(pump);
  };
  const setTimer: Clock['setTimer'] = (ms, callback) => {
    const id = nextId++;
    timers.set(id, { at: nowMs + Math.max(0, ms), callback });
    arm();
    return { [Symbol.dispose]: () => timers.delete(id) };
  };
  return {
    now: () => startAt + nowMs,
    monotonic: () => nowMs,
    setTimer,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason);
          return;
        }
        const onAbort = () => {
          timer[Symbol.dispose]();
          reject(signal?.reason);
        };
        const timer = setTimer(ms, () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
  };
}
