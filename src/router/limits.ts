/** What one router allows and waits for. Times in milliseconds. */
export interface RouterLimits {
  /** Client connections at once; more are closed as they come. */
  readonly maxConnections: number;
  /** From a head's first byte (or the connect) to its end. */
  readonly headMs: number;
  /** A kept-alive client connection without a request. */
  readonly clientIdleMs: number;
  /** An idle upstream connection; below the 5 s after which Node closes its side (INV-11). */
  readonly upstreamIdleMs: number;
  /**
   * Idle time after which an upstream connection is not used for a request that must not be sent twice:
   * the older it is, the likelier its FIN is on the way.
   */
  readonly unsafeReuseMs: number;
  /** Body bytes kept so that an idempotent request can be sent again when a kept connection was stale. */
  readonly replayBytes: number;
  /**
   * Bytes of one answer that are kept for a slow client once the instance is gone, so that its end is seen. Linux
   * holds less than this of one connection: 6 MiB where it is read and 4 MiB where it was written, by default
   * (tcp_rmem, tcp_wmem).
   */
  readonly readOnBytes: number;
  /** An instance that refused a connection comes last for this long. */
  readonly avoidMs: number;
  /** After this time an answer of unknown length counts as a stream, not as an ordinary request. */
  readonly openEndedMs: number;
  /** After the last answer on a connection: wait for the client's end, so that no reset overtakes it. */
  readonly lingerMs: number;
}

export const DEFAULT_LIMITS: RouterLimits = {
  maxConnections: 20_000,
  headMs: 30_000,
  clientIdleMs: 75_000,
  upstreamIdleMs: 4_000,
  unsafeReuseMs: 1_000,
  replayBytes: 64 * 1024,
  readOnBytes: 16 * 1024 * 1024,
  avoidMs: 1_000,
  openEndedMs: 30_000,
  lingerMs: 2_000,
};
