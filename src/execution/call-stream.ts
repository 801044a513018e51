import type { Clock } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';

/** Answers that wait for a slow reader before the sender is slowed, and how long it is slowed for. */
const HIGH_WATER = 1_000;
const LOW_WATER = 200;
const STALL_MS = 2_000;

export interface CallStream {
  readonly answers: AsyncIterable<unknown>;
  push(data: unknown): void;
  end(): void;
  fail(error: Error): void;
}

export interface CallStreamOptions {
  readonly clock: Clock;
  /** Longest wait for the first answer; null: as long as it takes. */
  readonly firstAnswerMs: number | null;
  readonly signal: AbortSignal;
  pause(): void;
  resume(): void;
  /** The reader has gone, one way or another. Called once. */
  left(): void;
}

/**
 * A queue between an agent's answers and whoever reads them. A reader that is slower than the agent slows
 * the whole connection for a moment; one that takes nothing for two seconds loses its call, since pings and
 * reports wait behind it.
 */
export function callStream(options: CallStreamOptions): CallStream {
  const queue: unknown[] = [];
  let ended = false;
  let failure: Error | null = null;
  let wake = () => {};
  let paused: Disposable | null = null;
  let gone = false;

  const leave = () => {
    if (gone) return;
    gone = true;
    first?.[Symbol.dispose]();
    options.signal.removeEventListener('abort', aborted);
    release();
    options.left();
  };
  const release = () => {
    if (paused === null) return;
    paused[Symbol.dispose]();
    paused = null;
    options.resume();
  };
  const fail = (error: Error) => {
    failure ??= error;
    ended = true;
    wake();
  };
  const aborted = () => {
    queue.length = 0;
    ended = true;
    wake();
    leave();
  };
  const first =
    options.firstAnswerMs === null
      ? null
      : options.clock.setTimer(options.firstAnswerMs, () => {
          fail(new SlipwayError('timeout', `the agent did not answer within ${options.firstAnswerMs} ms`));
          leave();
        });
  if (options.signal.aborted) queueMicrotask(aborted);
  else options.signal.addEventListener('abort', aborted, { once: true });

  async function* read(): AsyncGenerator<unknown, void, void> {
    try {
      for (;;) {
        while (queue.length > 0) {
          yield queue.shift();
          if (queue.length <= LOW_WATER) release();
        }
        if (failure !== null) throw failure;
        if (ended) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      leave();
    }
  }

  return {
    answers: { [Symbol.asyncIterator]: read },
    push: (data) => {
      if (ended || gone) return;
      first?.[Symbol.dispose]();
      queue.push(data);
      wake();
      if (queue.length < HIGH_WATER || paused !== null) return;
      options.pause();
      paused = options.clock.setTimer(STALL_MS, () => {
        fail(new SlipwayError('unavailable', `the reader took nothing for ${STALL_MS} ms and was cut`));
        queue.length = 0;
        leave();
      });
    },
    end: () => {
      ended = true;
      first?.[Symbol.dispose]();
      wake();
    },
    fail,
  };
}
