import type { WorkloadKey } from '../drivers/cluster-driver.ts';
import { formatDuration } from '../lib/durations.ts';
import { isSlipwayError, messageOf } from '../lib/errors.ts';
import { type Failure, type InstructionContext, versionOf } from './context.ts';
import { failure } from './words.ts';

/** What one look at the cluster shows. */
export type Look<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** The deadline starts again when `progress` is higher than it ever was: flapping is no progress. */
  | {
      readonly kind: 'waiting';
      readonly message: string;
      readonly progress: number;
      readonly evidence?: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Looks are at most this far apart, since not everything that matters is an event. */
const POLL_MS = 200;
/** And at least this far, since one change of an instance makes several events. */
const SPACING_MS = 4;

export type Waited<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

/**
 * Looks until it is done, it failed, or nothing moved for `deadlineMs`. A look that throws is a cluster that
 * cannot be read just now and is tried again within the same deadline; a SlipwayError `refused` or `invalid`
 * will not heal. Rejects with the signal's reason when the instruction is cancelled.
 */
export async function waitUntil<T>(
  context: InstructionContext,
  what: string,
  look: () => Promise<Look<T>>,
  options: { deadlineMs?: number } = {},
): Promise<Waited<T>> {
  const { clock, driver } = context.ports;
  const deadlineMs = options.deadlineMs ?? context.spec.deadlineMs;
  let furthest = Number.NEGATIVE_INFINITY;
  let movedAt = clock.monotonic();
  let seen = 'nothing yet';
  using changes = new ChangeWaiter(driver.onChange.bind(driver), (key) => concerns(context, key));
  for (;;) {
    context.signal.throwIfAborted();
    changes.arm();
    const beganAt = clock.monotonic();
    const now = await safely(context, look);
    if (now.kind === 'done') return { ok: true, value: now.value };
    if (now.kind === 'failed') return { ok: false, failure: now.failure };
    if (now.progress > furthest) {
      furthest = now.progress;
      movedAt = clock.monotonic();
    }
    seen = now.message;
    context.progress(seen, now.evidence);
    // By when the look began: an agent that stood still has seen nothing of that time, and looks once more.
    const leftMs = deadlineMs - (beganAt - movedAt);
    if (leftMs <= 0) {
      return {
        ok: false,
        failure: await failure(
          context,
          'deadline',
          `${what}: no progress for ${formatDuration(deadlineMs)} (${seen}).`,
        ),
      };
    }
    const sleptAt = clock.monotonic();
    await clock.sleep(Math.min(SPACING_MS, leftMs), context.signal);
    await changes.changed(clock, Math.min(POLL_MS, leftMs), context.signal);
    // What it slept beyond that it stood still: what it will see is as old as its own eyes are then.
    movedAt += Math.max(0, clock.monotonic() - sleptAt - SPACING_MS - POLL_MS);
  }
}

async function safely<T>(context: InstructionContext, look: () => Promise<Look<T>>): Promise<Look<T>> {
  try {
    return await look();
  } catch (error) {
    if (context.signal.aborted) throw error;
    if (isSlipwayError(error, 'refused') || isSlipwayError(error, 'invalid')) {
      return { kind: 'failed', failure: await failure(context, 'refused', error.message, error.next) };
    }
    return {
      kind: 'waiting',
      message: `the cluster cannot be read: ${messageOf(error)}`,
      progress: Number.NEGATIVE_INFINITY,
    };
  }
}

function concerns({ spec, namespace }: InstructionContext, key: WorkloadKey): boolean {
  return (
    key.namespace === namespace &&
    key.application === spec.application &&
    key.environment === spec.environment &&
    (key.version === versionOf(spec, 'to', key.workload) ||
      key.version === versionOf(spec, 'from', key.workload))
  );
}

/** Remembers a change that comes while nobody waits, so that none is slept through. */
class ChangeWaiter {
  readonly #subscription: Disposable;
  #pending = false;
  #wake: () => void = () => {};

  constructor(
    subscribe: (callback: (key: WorkloadKey) => void) => Disposable,
    wanted: (key: WorkloadKey) => boolean,
  ) {
    this.#subscription = subscribe((key) => {
      if (!wanted(key)) return;
      this.#pending = true;
      this.#wake();
    });
  }

  arm(): void {
    this.#pending = false;
  }

  async changed(
    clock: { setTimer(ms: number, callback: () => void): Disposable },
    ms: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#pending) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    using _timer = clock.setTimer(ms, resolve);
    signal.addEventListener('abort', this.#wake, { once: true });
    await promise;
    signal.removeEventListener('abort', this.#wake);
    signal.throwIfAborted();
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }
}
