const CLOSE = 8;

/**
 * Walks over the frames of one direction of a WebSocket (RFC 6455 section 5.2) without touching them, to
 * see whether a Close frame passed: only that tells an end from a process that died, since the kernel
 * sends the same FIN for both.
 */
export class WebSocketFrames {
  /** True once a Close frame began. */
  closeSeen = false;
  private header: number[] = [];
  private payloadLeft = 0;

  take(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to && !this.closeSeen) {
      if (this.payloadLeft > 0) {
        const skipped = Math.min(this.payloadLeft, to - at);
        this.payloadLeft -= skipped;
        at += skipped;
        continue;
      }
      this.header.push(bytes[at++] as number);
      if (this.header.length >= 2 && this.header.length === headerLength(this.header)) this.endHeader();
    }
  }

  private endHeader(): void {
    const [first = 0, second = 0] = this.header;
    if ((first & 0x0f) === CLOSE) this.closeSeen = true;
    const short = second & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    this.payloadLeft =
      extended === 0 ? short : this.header.slice(2, 2 + extended).reduce((n, b) => n * 256 + b, 0);
    this.header = [];
  }
}

function headerLength(header: readonly number[]): number {
  const second = header[1] as number;
  const short = second & 0x7f;
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0);
}
