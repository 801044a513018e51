/**
 * Ctrl-C. A command that has something to say when it is asked to end takes the signal; otherwise, and at the
 * second time, the process ends at once.
 */
export class Interrupt {
  readonly #controller = new AbortController();
  #claimed = false;

  /** From now on the first Ctrl-C only aborts this signal. */
  claim(): AbortSignal {
    this.#claimed = true;
    return this.#controller.signal;
  }

  /** Whether somebody deals with it. */
  fire(reason: string): boolean {
    if (!this.#claimed || this.#controller.signal.aborted) return false;
    this.#controller.abort(new Error(reason));
    return true;
  }
}
