import { messageOf, SlipwayError } from '../../lib/errors.ts';
import type { Files } from '../../lib/files.ts';
import { coalesced } from './coalesce.ts';
import { exhausted } from './failures.ts';

/** One durable value in one file. Saves that come together share one write. */
export class JsonFile<T> {
  readonly #path: string;
  readonly #write: () => Promise<void>;
  #value: T;
  #durable: T;

  private constructor(files: Files, path: string, value: T) {
    this.#path = path;
    this.#value = value;
    this.#durable = value;
    this.#write = coalesced(async () => {
      const writing = this.#value;
      await files.writeAtomic(path, `${JSON.stringify(writing)}\n`, { mode: 0o600 });
      this.#durable = writing;
    });
  }

  /** Reads the file; `empty` where there is none yet. Throws where it cannot be understood. */
  static async open<T>(files: Files, path: string, empty: T): Promise<JsonFile<T>> {
    const content = await files.read(path).catch((cause: unknown) => {
      throw new SlipwayError('internal', `${path} cannot be read: ${messageOf(cause)}`, {
        next: 'make the file readable for the user that Slipway runs as',
        cause,
      });
    });
    if (content === undefined) return new JsonFile(files, path, empty);
    return new JsonFile(files, path, parseJson<T>(content, path));
  }

  /** What was saved last, durable or on its way: what a change begins from. */
  get value(): T {
    return this.#value;
  }

  /** What a crash would leave: what effects may follow (INV-13). */
  get durable(): T {
    return this.#durable;
  }

  /** Durable when it resolves. Where it rejects (a full disk), what was before stands. */
  async save(value: T): Promise<void> {
    const before = this.#value;
    this.#value = value;
    try {
      await this.#write();
    } catch (error) {
      if (this.#value === value) this.#value = before;
      throw new SlipwayError(
        'unavailable',
        `${this.#path} cannot be written: ${exhausted(error) ?? messageOf(error)}`,
        { next: 'make room on that disk; it is tried again', cause: error },
      );
    }
  }
}

/** Parses one of our own files; writes are atomic, so a broken one was broken by something else. */
export function parseJson<T>(content: Buffer, path: string): T {
  try {
    return JSON.parse(content.toString('utf8')) as T;
  } catch (cause) {
    throw new SlipwayError('internal', `${path} is not valid JSON, so the state in it is unknown`, {
      next: 'restore it from a backup, or remove it to begin anew without what it held',
      cause,
    });
  }
}
