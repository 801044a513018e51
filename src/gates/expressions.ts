import { Worker } from 'node:worker_threads';
import { messageOf, type Result } from '../lib/errors.ts';
import { type ExpressionInput, evaluateExpression } from './evaluate-expression.ts';

/** Decides a gate's `expect`. Never throws: an expression that cannot be decided is an error in words. */
export interface Expressions {
  evaluate(expression: string, input: ExpressionInput): Promise<Result<boolean>>;
  stop(): Promise<void>;
}

/** In this thread: for virtual time, and where the expressions are one's own. */
export const inlineExpressions: Expressions = {
  evaluate: async (expression, input) => evaluateExpression(expression, input),
  stop: async () => {},
};

/** One evaluation may take this long; a hostile one costs its own gate and nothing else. */
const LIMIT_MS = 1_000;
/** Starting the thread is not the expression's fault. */
const START_MS = 10_000;

type Answer = { readonly id: number; readonly result: Result<boolean> } | { readonly ready: true };

/**
 * In a thread of its own with a time limit: nested macros and patterns over a long body can take seconds,
 * in which an agent must not miss its lease. The thread starts with the first use and is replaced when an
 * expression overruns.
 */
export function workerExpressions(): Expressions {
  let thread: { worker: Worker; ready: Promise<void> } | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  let nextId = 0;

  const start = () => {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./expression-worker.${extension}`, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 128 },
      env: {},
    });
    worker.unref();
    const ready = within(START_MS, 'the expression thread did not start', (resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    thread = { worker, ready: ready.then(() => {}) };
    return thread;
  };
  const drop = async (worker: Worker) => {
    thread = null;
    await worker.terminate();
  };

  const evaluate = async (expression: string, input: ExpressionInput): Promise<Result<boolean>> => {
    const { worker, ready } = thread ?? start();
    const id = nextId++;
    try {
      await ready;
      return await within<Result<boolean>>(
        LIMIT_MS,
        `the expression took longer than ${LIMIT_MS} ms`,
        (resolve, reject) => {
          const onMessage = (answer: Answer) => {
            if ('id' in answer && answer.id === id) {
              worker.off('error', reject);
              resolve(answer.result);
            } else worker.once('message', onMessage);
          };
          worker.once('message', onMessage);
          worker.once('error', reject);
          worker.postMessage({ id, expression, input });
        },
      );
    } catch (error) {
      await drop(worker);
      return { ok: false, error: messageOf(error) };
    }
  };
  return {
    // One at a time, so that the limit counts the expression's own time.
    evaluate: (expression, input) => {
      const mine = turn.then(() => evaluate(expression, input));
      turn = mine;
      return mine;
    },
    stop: async () => {
      if (thread !== null) await drop(thread.worker);
    },
  };
}

function within<T>(
  ms: number,
  message: string,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(message)), ms);
    const end =
      <V>(go: (value: V) => void) =>
      (value: V) => {
        clearTimeout(timer);
        go(value);
      };
    begin(end(resolve), end(reject));
  });
}
