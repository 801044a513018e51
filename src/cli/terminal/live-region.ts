import { displayWidth, truncate } from './display-width.ts';

export interface TerminalStream {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
}

/**
 * A block of lines at the end of the terminal that is drawn again and again in place. Each frame is one write:
 * the cursor goes up, only changed lines are written, the rest below is cleared. Frames end below the block,
 * so that whatever writes next starts on a line of its own.
 */
export class LiveRegion {
  readonly #stream: TerminalStream;
  #shown: readonly string[] = [];
  #columns = 0;

  constructor(stream: TerminalStream) {
    this.#stream = stream;
  }

  /** Cells of one line; one less than the terminal has, so that a full line never wraps. */
  get width(): number {
    return Math.max(20, this.#wide - 1);
  }

  /** A terminal that does not know its size says 0. */
  get #wide(): number {
    return this.#stream.columns || 80;
  }

  draw(lines: readonly string[]): void {
    const frame = this.#fit(lines);
    const resized = this.#columns !== this.#wide;
    const same = frame.length === this.#shown.length && frame.every((line, at) => line === this.#shown[at]);
    if (same && !resized) return;
    let text = this.#back();
    if (resized) text += '\x1b[J';
    frame.forEach((line, at) => {
      text += line === this.#shown[at] && !resized ? '\n' : `${line}\x1b[K\n`;
    });
    if (frame.length < this.#shown.length) text += '\x1b[J';
    this.#shown = frame;
    this.#columns = this.#wide;
    this.#stream.write(text);
  }

  /** Takes the block away. */
  clear(): void {
    if (this.#shown.length > 0) this.#stream.write(`${this.#back()}\x1b[J`);
    this.#shown = [];
  }

  /** Leaves the block as it stands; the next frame begins below it. */
  finish(): void {
    this.#shown = [];
  }

  /** To the first line of the block. A terminal that became narrower has wrapped its lines meanwhile. */
  #back(): string {
    const columns = this.#wide;
    let up = 0;
    for (const line of this.#shown) up += Math.max(1, Math.ceil(displayWidth(line) / columns));
    return up === 0 ? '' : `\x1b[${up}A\r`;
  }

  /** A block taller than the screen cannot be redrawn: its head and its end are kept. */
  #fit(lines: readonly string[]): readonly string[] {
    const narrow = lines.map((line) => (displayWidth(line) > this.width ? truncate(line, this.width) : line));
    const height = Math.max(4, (this.#stream.rows || 24) - 1);
    if (narrow.length <= height) return narrow;
    const tail = narrow.slice(-(height - 2));
    return [...narrow.slice(0, 1), `  … ${narrow.length - height + 1} lines above`, ...tail];
  }
}
