/**
 * Files as a port. The adapter's promises: what `writeAtomic` acknowledged survives a power cut and is
 * never seen half; `append` is durable when it resolves. Errors keep Node's `code` (ENOSPC, EACCES, …).
 */
export interface Files {
  read(path: string): Promise<Buffer | undefined>;
  /** Temporary file, fsync, rename, fsync of the directory. */
  writeAtomic(path: string, data: string | Uint8Array, options?: { mode?: number }): Promise<void>;
  /** Appends and fdatasyncs. */
  append(path: string, data: string): Promise<void>;
  remove(path: string): Promise<void>;
  list(directory: string): Promise<string[]>;
  makeDirectory(path: string, options?: { mode?: number }): Promise<void>;
}
