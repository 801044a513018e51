/**
 * Time as a port, so that the same code runs in virtual time (test/simulation) and in real time.
 * Nothing outside adapters reads Date, performance or sets timers.
 */
export interface Clock {
  /** Milliseconds since 1970, may jump. For what people read and what is stored. */
  now(): number;
  /** Milliseconds that never go back. For durations and deadlines inside one process. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `callback` after `ms` until disposed. */
  setTimer(ms: number, callback: () => void): Disposable;
}

/** RFC 3339 with milliseconds, UTC. */
export const instant = (ms: number): string => new Date(ms).toISOString();

/** The real clock. Timers keep the process alive only when `ref` is true (the default). */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const onAbort = () => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }, ms);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    setTimer: (ms, callback) => {
      const timer = setTimeout(callback, ms);
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
  };
}
