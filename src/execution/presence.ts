import type { Cluster } from '../api/environment.ts';
import type { Stored } from '../api/meta.ts';
import type { Clock } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';

export interface Presence {
  readonly connected: boolean;
  readonly version: string;
  readonly lastSeen: string;
}

const RETRY_MS = 500;

/**
 * Keeps Cluster.status.agent as it is: written when an agent comes or goes, never at rest. `lastSeen` is
 * then the moment of that change; the live one is the gateway's own.
 */
export class PresenceWriter {
  readonly #options: { store: Store; clock: Clock; log: Log; signal: AbortSignal };
  readonly #wanted = new Map<string, Presence>();
  readonly #writing = new Set<string>();

  constructor(options: { store: Store; clock: Clock; log: Log; signal: AbortSignal }) {
    this.#options = options;
  }

  set(cluster: string, presence: Presence): void {
    this.#wanted.set(cluster, presence);
    this.#begin(cluster);
  }

  /** An earlier life of the manager left it connected, and it did not come back. */
  async clearStale(isConnected: (cluster: string) => boolean, version: string): Promise<void> {
    const { items } = await this.#options.store.list<Cluster>('Cluster');
    for (const { metadata, status } of items) {
      const { agent } = status ?? {};
      if (agent?.connected !== true || agent.version !== version || isConnected(metadata.name)) continue;
      this.set(metadata.name, { connected: false, version, lastSeen: agent.lastSeen });
    }
  }

  /** A Cluster was made or changed by someone else. */
  seen(cluster: Stored<Cluster>): void {
    const wanted = this.#wanted.get(cluster.metadata.name);
    if (wanted !== undefined && differs(cluster, wanted)) this.#begin(cluster.metadata.name);
  }

  #begin(name: string): void {
    if (this.#writing.has(name)) return;
    this.#writing.add(name);
    void this.#write(name).finally(() => this.#writing.delete(name));
  }

  async #write(name: string): Promise<void> {
    const { store, clock, log, signal } = this.#options;
    while (!signal.aborted) {
      try {
        const stored = await store.get<Cluster>({ kind: 'Cluster', name });
        const wanted = this.#wanted.get(name);
        // A Cluster that does not exist yet is met again by `seen` when it is made.
        if (stored === undefined || wanted === undefined || !differs(stored, wanted)) return;
        await store.updateStatus<Cluster>({ ...stored, status: { ...stored.status, agent: { ...wanted } } });
        // Said once: where another manager has the agent by now, its word stands.
        if (!wanted.connected && this.#wanted.get(name) === wanted) this.#wanted.delete(name);
      } catch (error) {
        if (isSlipwayError(error, 'conflict')) continue;
        log.warn('the state of a cluster cannot be written', { cluster: name, error });
        await clock.sleep(RETRY_MS, signal).catch(() => {
          // Stopped while waiting: the loop's condition ends it.
        });
      }
    }
  }
}

const differs = (cluster: Stored<Cluster>, { connected, version }: Presence): boolean =>
  cluster.status?.agent?.connected !== connected || cluster.status?.agent?.version !== version;
