import { messageOf, SlipwayError } from '../../lib/errors.ts';
import type { Files } from '../../lib/files.ts';
import { coalesced } from './coalesce.ts';

/** One durable value in one file. Saves that come together share one write. */
export class JsonFile<T> {
  readonly #save: () => Promise<void>;
  #value: T;

  private constructor(files: Files, path: string, value: T) {
    this.#value = value;
    this.#save = coalesced(() =>
      files.writeAtomic(path, `${JSON.stringify(this.#value)}\n`, { mode: 0o600 }),
    );
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

  get value(): T {
    return this.#value;
  }

  /** Durable when it resolves. Where it rejects, the next save tries again with what is newest then. */
  async save(value: T): Promise<void> {
    this.#value = value;
    await this.#save();
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
