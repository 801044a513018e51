/** What reaches a file's bytes; pending until a sync. */
type Operation =
  | { readonly type: 'write'; readonly at: number; readonly data: Buffer }
  | { readonly type: 'truncate'; readonly size: number };

interface File {
  durable: Buffer;
  pending: Operation[];
}

/**
 * One directory of files as a power cut would leave it, told from the calls that a program made. It promises
 * as little as POSIX does: bytes are on the disk when a sync of their file has come back, names when a sync
 * of the directory has. After a failed sync the pending bytes are dropped for good, as Linux may do it: the
 * next sync says nothing about them.
 */
export class SimulatedDisk {
  readonly #directory: string;
  readonly #names = new Map<string, File>();
  #durableNames = new Map<string, File>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  open(path: string, flags: { readonly create: boolean; readonly truncate: boolean }): void {
    const name = this.#nameOf(path);
    if (name === undefined) return;
    if (flags.create && !this.#names.has(name))
      this.#names.set(name, { durable: Buffer.alloc(0), pending: [] });
    if (flags.truncate) this.truncate(path, 0);
  }

  write(path: string, at: number, data: Buffer): void {
    this.#file(path)?.pending.push({ type: 'write', at, data });
  }

  truncate(path: string, size: number): void {
    this.#file(path)?.pending.push({ type: 'truncate', size });
  }

  unlink(path: string): void {
    const name = this.#nameOf(path);
    if (name !== undefined) this.#names.delete(name);
  }

  sync(path: string, succeeded: boolean): void {
    if (path === this.#directory) {
      if (succeeded) this.#durableNames = new Map(this.#names);
      return;
    }
    const file = this.#file(path);
    if (file === undefined) return;
    if (succeeded) file.durable = applied(file.durable, file.pending);
    file.pending = [];
  }

  /**
   * The files after a cut now. By default nothing that is not synced is there; with `kept` each pending
   * operation is asked for, and the disk may have kept some, in any order.
   */
  cut(kept: (index: number) => boolean = () => false): Map<string, Buffer> {
    const image = new Map<string, Buffer>();
    for (const [name, file] of this.#durableNames) {
      image.set(
        name,
        applied(
          file.durable,
          file.pending.filter((_, index) => kept(index)),
        ),
      );
    }
    return image;
  }

  #file(path: string): File | undefined {
    const name = this.#nameOf(path);
    return name === undefined ? undefined : this.#names.get(name);
  }

  #nameOf(path: string): string | undefined {
    return path.startsWith(`${this.#directory}/`) ? path.slice(this.#directory.length + 1) : undefined;
  }
}

function applied(durable: Buffer, operations: readonly Operation[]): Buffer {
  let bytes = durable;
  for (const operation of operations) {
    const size =
      operation.type === 'truncate'
        ? operation.size
        : Math.max(bytes.length, operation.at + operation.data.length);
    const next = Buffer.alloc(size);
    bytes.copy(next, 0, 0, Math.min(bytes.length, size));
    if (operation.type === 'write') operation.data.copy(next, operation.at);
    bytes = next;
  }
  return bytes;
}
