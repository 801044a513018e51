import type { BackendLoad, RouterStats, RouteTable } from './table.ts';

/**
 * What the agent can ask of a running router, over its control socket (HTTP over a Unix socket that only
 * Slipway's user can open). Every method rejects with a RouterUnavailable when the router cannot be
 * reached within its deadline; the caller retries, since all of them are idempotent.
 */
export interface RouterControl {
  /** Resolves when the table is durable and in force for every request that starts afterwards. */
  putTable(table: RouteTable): Promise<{ generation: number; swappedAt: string }>;
  getTable(): Promise<RouteTable>;
  stats(): Promise<RouterStats>;
  /** Load of one backend; undefined when the router does not know it. */
  load(backendId: string): Promise<BackendLoad | undefined>;
  /**
   * Waits until the backend has no ordinary request (and no stream, with `streams: true`) or `timeoutMs`
   * passed, and answers its load then.
   */
  awaitDrained(backendId: string, options: { streams: boolean; timeoutMs: number }): Promise<BackendLoad>;
  /**
   * Closes the idle upstream connections of a backend that is about to be told to end; answers when they are
   * closed. What breaks in it from then on is not counted as its own doing (VersionCounts, `byItself`).
   */
  closeIdle(backendId: string): Promise<{ closed: number }>;
  /**
   * Says that the backend's process is gone. What it wrote lies in the kernel and is read to its end now, however
   * slowly clients take it, so that whose answer was cut short is known and counted at once.
   */
  ended(backendId: string): Promise<BackendLoad>;
}
