/**
 * Reads a stream of server-sent events (WHATWG HTML, section 9.2) that are numbered from 1, as far as the
 * numbering needs. Pure: bytes in, numbers or a gap out.
 */
export class EventNumbers {
  #text = '';
  #last = 0;

  /** How many events arrived in this chunk, or the first gap. */
  push(chunk: string): { readonly events: number } | { readonly gap: string } {
    this.#text += chunk;
    const blocks = this.#text.split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) {
      const id = /^id: (\d+)\ndata: /.exec(block)?.[1];
      if (id === undefined) return { gap: `not a numbered event: ${JSON.stringify(block.slice(0, 80))}` };
      if (Number(id) !== this.#last + 1) return { gap: `event ${id} after ${this.#last}` };
      this.#last += 1;
    }
    return { events: blocks.length };
  }

  /** Bytes of an event that never came to its end. */
  get unfinished(): string {
    return this.#text;
  }
}
