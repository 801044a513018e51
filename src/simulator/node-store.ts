import type { ApiObject, Stored } from '../api/meta.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { ListOptions, ListResult, Store } from '../store/store.ts';
import { type FaultTally, strikesOf } from './fault-tally.ts';
import type { Life } from './life.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Timeline } from './timeline.ts';

/** The longest that a list takes, in virtual time. */
const LATEST_LIST_MS = 10_000;

/** Faults of the store as one process meets them, 0 to 1 per call. */
export interface StoreFaults {
  /** Refused before anything happened. */
  readonly unavailable: number;
  /** Done, and the answer is lost. */
  readonly answerLost: number;
  /** A watch ends with `gone`, and the reader lists again. */
  readonly gone: number;
  /** A watch is late by up to a few seconds: what it wakes acts on older news. */
  readonly lateWatch: number;
}

/**
 * One process's way to a store that outlives it. The promises of the port hold (store/store.ts): an
 * acknowledged write stands, a write whose answer was lost may stand, a watch is late and never wrong.
 */
export function nodeStore(
  store: Store,
  life: Life,
  options: { faults: StoreFaults; random: SeededRandom; timeline: Timeline; tally: FaultTally },
): Store {
  const { faults, random, timeline, tally } = options;
  const strikes = strikesOf(random, tally);
  const unavailable = () => new SlipwayError('unavailable', 'the store does not answer');
  const write = async <T>(effect: () => Promise<T>): Promise<T> => {
    const lost = strikes('answer of the store lost', faults.answerLost);
    return life.call(async () => {
      if (strikes('store unavailable', faults.unavailable)) throw unavailable();
      const value = await effect();
      if (lost) throw unavailable();
      return value;
    }, 0.1);
  };
  // Whoever was compacted away reads the whole list, and that takes its time: some, or so much that the next
  // write of the kind is behind the list and before the watch that begins from it.
  let reads = 0;
  const relist = async <T extends ApiObject>(kind: string, effect: () => Promise<ListResult<T>>) => {
    const value = await effect();
    if (reads === 0) return value;
    reads -= 1;
    if (strikes('list behind a write', 0.3)) await nextWrite(kind, value.resourceVersion);
    else if (strikes('late list', 0.5)) await timeline.wait(random.between(5, 1_500));
    return value;
  };
  const nextWrite = async (kind: string, since: string): Promise<void> => {
    const enough = new AbortController();
    const written = store.watch(kind, { since, signal: enough.signal })[Symbol.asyncIterator]().next();
    await Promise.race([written, timeline.wait(LATEST_LIST_MS)]);
    enough.abort();
  };
  const read = <T>(effect: () => Promise<T>): Promise<T> =>
    life.call(() => {
      if (strikes('store unavailable', faults.unavailable)) throw unavailable();
      return effect();
    });
  return {
    get: (key) => read(() => store.get(key)),
    list: <T extends ApiObject>(kind: string, list?: ListOptions) =>
      read(() => relist(kind, () => store.list<T>(kind, list))),
    create: (object) => write(() => store.create(object)),
    update: (object, how) => write(() => store.update(object, how)),
    updateStatus: (object) => write(() => store.updateStatus(object)),
    delete: <T extends ApiObject>(
      key: Parameters<Store['delete']>[0],
      precondition?: Parameters<Store['delete']>[1],
    ) => write<Stored<T> | undefined>(() => store.delete<T>(key, precondition)),
    watch: <T extends ApiObject>(kind: string, watch: Parameters<Store['watch']>[1]) => {
      // "From now on" means from this call, not from the first event that is asked for.
      const events = store.watch<T>(kind, watch);
      return { [Symbol.asyncIterator]: () => late(events) };
    },
    close: async () => {},
  };

  async function* late<E>(events: AsyncIterable<E>): AsyncGenerator<E> {
    for await (const event of events) {
      if (strikes('watch late', faults.lateWatch)) await timeline.wait(random.between(5, 3_000));
      await life.call(() => {
        if (!strikes('watch gone (410)', faults.gone)) return;
        reads += 1;
        throw new SlipwayError('gone', 'compacted');
      });
      yield event;
    }
  }
}
