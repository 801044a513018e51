/**
 * Content-addressed store of packed directories (reproducible tar + gzip). The manager keeps what clients
 * upload; the agent fetches by digest, checks it and unpacks it once.
 */
export interface ArtifactStore {
  /** Stores the stream and answers its digest; the same content twice is stored once. Refuses over `maxBytes`. */
  put(
    content: AsyncIterable<Uint8Array>,
    options: { maxBytes: number; expectedDigest?: string },
  ): Promise<{ digest: string; size: number; existed: boolean }>;
  /** Undefined when it is not there. */
  open(digest: string): Promise<{ size: number; content: AsyncIterable<Uint8Array> } | undefined>;
  has(digest: string): Promise<boolean>;
  list(): Promise<readonly { digest: string; size: number; storedAt: number }[]>;
  remove(digest: string): Promise<void>;
}
