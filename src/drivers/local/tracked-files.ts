import type { Files } from '../../lib/files.ts';

/** Files whose operations under way can be waited for, so that nothing is written after a stop. */
export interface TrackedFiles {
  readonly files: Files;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export function trackedFiles(files: Files): TrackedFiles {
  const underWay = new Set<Promise<unknown>>();
  const track = <T>(operation: Promise<T>): Promise<T> => {
    underWay.add(operation);
    const over = (): boolean => underWay.delete(operation);
    operation.then(over, over);
    return operation;
  };
  return {
    files: {
      read: (path) => track(files.read(path)),
      writeAtomic: (path, data, options) => track(files.writeAtomic(path, data, options)),
      append: (path, data) => track(files.append(path, data)),
      remove: (path) => track(files.remove(path)),
      list: (directory) => track(files.list(directory)),
      makeDirectory: (path, options) => track(files.makeDirectory(path, options)),
    },
    idle: async () => {
      while (underWay.size > 0) {
        await Promise.allSettled(underWay);
        // Whoever waited for one of them may begin the next in its turn.
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}
