import type { ServerResponse } from 'node:http';
import type { Clock } from '../lib/clock.ts';

/** Thrown at the writer when the reader takes nothing any more; the connection is gone then. */
export class ReaderStalled extends Error {
  override readonly name = 'ReaderStalled';
}

/**
 * JSON lines to a reader of unknown speed. What is written waits for the socket, and a reader that takes
 * nothing for `stallMs` is cut off: it resumes from where it was, and nothing piles up here meanwhile.
 */
export class LineStream {
  readonly #response: ServerResponse;
  readonly #stallMs: number;
  readonly #clock: Clock;

  constructor(response: ServerResponse, options: { readonly stallMs: number; readonly clock: Clock }) {
    this.#response = response;
    this.#stallMs = options.stallMs;
    this.#clock = options.clock;
  }

  /** True while everything that was written has left. */
  get idle(): boolean {
    return this.#response.writableLength === 0;
  }

  /** Resolves when there is room for more. */
  async write(value: unknown): Promise<void> {
    if (this.#response.destroyed) throw new ReaderStalled('the reader is gone');
    if (this.#response.write(`${JSON.stringify(value)}\n`)) return;
    await this.#drained();
  }

  end(): void {
    this.#response.end();
  }

  #drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const response = this.#response;
      const settle = (finish: () => void) => {
        timer[Symbol.dispose]();
        response.off('drain', onDrain).off('close', onClose);
        finish();
      };
      const timer = this.#clock.setTimer(this.#stallMs, () =>
        settle(() => {
          response.destroy();
          reject(new ReaderStalled(`the reader took nothing for ${this.#stallMs} ms`));
        }),
      );
      const onDrain = () => settle(resolve);
      const onClose = () => settle(() => reject(new ReaderStalled('the reader is gone')));
      response.on('drain', onDrain).on('close', onClose);
    });
  }
}
