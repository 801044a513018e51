import { InvariantViolation } from '../lib/errors.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  readonly quiet: boolean;
  cancelled: boolean;
}

/**
 * Virtual time: one heap of events, ordered by time and then by when they were asked for. Between two events
 * every promise that the first resolved has run to its next wait, so that a run depends on nothing but its
 * seed. Production code must resolve promises by nothing but ports and this heap.
 */
export class Timeline {
  /** Milliseconds since the run began. */
  now = 0;
  /** Events that were carried out. */
  events = 0;
  readonly #heap: Entry[] = [];
  #order = 0;

  /**
   * Calls `run` after `ms`. A quiet event wakes no production code (a request that ends, say) and costs no
   * turn of the microtask queue.
   */
  after(ms: number, run: () => void, { quiet = false } = {}): Disposable {
    if (Number.isNaN(ms)) throw new InvariantViolation('INV-28', 'a timer for no time');
    const at = this.now + Math.max(0, ms);
    const entry: Entry = { at, order: this.#order++, run, quiet, cancelled: false };
    push(this.#heap, entry);
    return {
      [Symbol.dispose]: () => {
        entry.cancelled = true;
      },
    };
  }

  /** Resolves after `ms` of virtual time. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /** Carries out what is due up to `until`, or until `done` says so; `afterEach` sees the world at rest. */
  async run(until: number, afterEach: () => void, done: () => boolean = () => false): Promise<void> {
    await settled();
    while (!done()) {
      const entry = this.#heap[0];
      if (entry === undefined || entry.at > until) break;
      pop(this.#heap);
      if (entry.cancelled) continue;
      this.now = entry.at;
      this.events += 1;
      entry.run();
      if (entry.quiet) continue;
      await settled();
      afterEach();
    }
    if (!done()) this.now = Math.max(this.now, until);
  }
}

/** Every microtask has run, those that others made included: immediates come after them all. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Entry[], entry: Entry): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(entry, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    const left = heap[2 * index + 1];
    const right = heap[2 * index + 2];
    if (left === undefined) break;
    const [child, at] =
      right !== undefined && isBefore(right, left) ? [right, 2 * index + 2] : [left, 2 * index + 1];
    if (!isBefore(child, last)) break;
    heap[index] = child;
    index = at;
  }
  heap[index] = last;
}
