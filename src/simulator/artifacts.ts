import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { Life } from './life.ts';

/** What was uploaded and is still there, by digest. It has no bytes: nobody here reads them. */
export class SimulatedArtifacts {
  /** Told of what was collected. */
  onRemove: (digest: string) => void = () => {};
  readonly #stored = new Map<string, number>();
  readonly #now: () => number;

  /** @param now true time in ms since 1970 */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Uploading again what is there renews it, as `put` does. */
  upload(digest: string): void {
    this.#stored.set(digest, this.#now());
  }

  /** What retention sees and removes through one process. */
  of(life: Life): Pick<ArtifactStore, 'list' | 'remove'> {
    return {
      list: () =>
        life.call(() => [...this.#stored].map(([digest, storedAt]) => ({ digest, storedAt, size: 1 }))),
      remove: (digest) =>
        life.call(() => {
          if (this.#stored.delete(digest)) this.onRemove(digest);
        }),
    };
  }
}
