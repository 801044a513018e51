/**
 * Makes one call out of many: while a run is under way, every further call shares the one run that follows
 * it, so what a caller changed before calling is always covered by the run that it waits for.
 */
export function coalesced<T>(run: () => Promise<T>): () => Promise<T> {
  let current: Promise<T> | undefined;
  let waiting: Promise<T> | undefined;
  const begin = (): Promise<T> => {
    const running = run();
    const settled = (): void => {
      if (current === running && waiting === undefined) current = undefined;
    };
    running.then(settled, settled);
    return running;
  };
  return () => {
    if (current === undefined) {
      current = begin();
      return current;
    }
    if (waiting === undefined) {
      const next = current.then(ignore, ignore).then(() => {
        waiting = undefined;
        current = begin();
        return current;
      });
      waiting = next;
    }
    return waiting;
  };
}

const ignore = (): void => undefined;
