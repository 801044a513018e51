/**
 * Waits for a condition instead of for a time, so that a test is as fast as the machine and says what
 * it waited for when the deadline passes. There is no fixed sleep anywhere in the tests: this is the
 * one loop that polls.
 */

export interface EventuallyOptions {
  /** Milliseconds until it gives up. Default 10,000. */
  readonly timeoutMs?: number;
  /** Milliseconds between two looks. Default 10. */
  readonly intervalMs?: number;
}

/** Thrown at the deadline: says what was waited for, how long, and the last value or error seen. */
export class EventuallyTimeout extends Error {
  readonly code = 'EVENTUALLY_TIMEOUT';

  constructor(what: string, waitedMs: number, last: string, options?: ErrorOptions) {
    super(`waited ${Math.round(waitedMs)} ms for ${what}; last seen: ${last}`, options);
    this.name = 'EventuallyTimeout';
  }
}

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>;

/**
 * Looks until `look` returns something truthy, and returns that. A look that throws counts as "not yet";
 * its error is the `cause` when the deadline passes. A look that hangs is given up at the deadline too.
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Truthy<T>> {
  const { timeoutMs = 10_000, intervalMs = 10 } = options;
  const startedAt = performance.now();
  let last = 'nothing (the first look did not return)';
  let lastError: unknown;
  for (;;) {
    const leftMs = timeoutMs - (performance.now() - startedAt);
    if (leftMs <= 0) {
      const cause = lastError === undefined ? undefined : { cause: lastError };
      throw new EventuallyTimeout(what, performance.now() - startedAt, last, cause);
    }
    try {
      const seen = await within(leftMs, look);
      if (seen === gaveUp) continue;
      if (seen) return seen as Truthy<T>;
      lastError = undefined;
      last = describe(seen);
    } catch (error) {
      lastError = error;
      last = error instanceof Error ? `${error.name}: ${error.message}` : describe(error);
    }
    await sleep(Math.min(intervalMs, Math.max(leftMs, 1)));
  }
}

/** Waits until `look` equals `expected` (by JSON), so that the message shows both. */
export async function eventuallyEquals<T>(
  what: string,
  look: () => T | Promise<T>,
  expected: T,
  options: EventuallyOptions = {},
): Promise<void> {
  const wanted = JSON.stringify(expected);
  await eventually(
    `${what} to be ${wanted}`,
    async () => {
      const seen = JSON.stringify(await look());
      if (seen !== wanted) throw new Error(`is ${seen}`);
      return true;
    },
    options,
  );
}

const gaveUp = Symbol('gave up');

async function within<T>(ms: number, look: () => T | Promise<T>): Promise<T | typeof gaveUp> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<typeof gaveUp>((resolve) => {
    timer = setTimeout(() => resolve(gaveUp), ms);
  });
  try {
    return await Promise.race([Promise.resolve().then(look), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function describe(value: unknown): string {
  if (typeof value === 'string' || value === undefined) return String(value);
  try {
    return JSON.stringify(value).slice(0, 500);
  } catch {
    return String(value);
  }
}
