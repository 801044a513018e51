import type { Files } from '../../src/lib/files.ts';

/** Files in memory with the port's promises, and a disk that can be made to fail. */
export class MemoryFiles implements Files {
  readonly content = new Map<string, Buffer>();
  readonly calls: string[] = [];
  /** Thrown by the next writes, one each; a `torn` append leaves its first half behind. */
  readonly faults: { error: Error; torn?: boolean }[] = [];
  /** Writes wait for it: a disk that takes its time. */
  slow: Promise<void> = Promise.resolve();

  async read(path: string): Promise<Buffer | undefined> {
    return this.content.get(path);
  }

  async writeAtomic(path: string, data: string | Uint8Array): Promise<void> {
    this.calls.push('writeAtomic');
    const fault = this.faults.shift();
    if (fault !== undefined) throw fault.error;
    this.content.set(path, Buffer.from(data));
  }

  async append(path: string, data: string): Promise<void> {
    this.calls.push('append');
    await this.slow;
    const fault = this.faults.shift();
    const written = fault === undefined ? data : fault.torn === true ? data.slice(0, data.length / 2) : '';
    this.content.set(path, Buffer.concat([this.content.get(path) ?? Buffer.alloc(0), Buffer.from(written)]));
    if (fault !== undefined) throw fault.error;
  }

  async remove(path: string): Promise<void> {
    this.content.delete(path);
  }

  async list(directory: string): Promise<string[]> {
    const prefix = `${directory}/`;
    return [...this.content.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length));
  }

  async makeDirectory(): Promise<void> {}
}
