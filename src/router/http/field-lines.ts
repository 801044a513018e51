import { COLON, CR, HTAB, LF, SP, TOKEN, text, VALUE } from './characters.ts';
import { type FieldId, identifyField } from './field-names.ts';
import { Refusal } from './refusal.ts';

/** Fields in one head; more are refused, since every one costs every hop. */
export const MAX_FIELDS = 128;

/**
 * The field lines of one head, as offsets into the bytes that it was scanned from. One instance is used
 * for every head of a router in turn (no allocation per request), so it is valid only until the next
 * scan, and only as long as those bytes are.
 */
export class FieldLines {
  count = 0;
  /** Bit n is set where a field with id n is there: most questions are answered by that. */
  private present = 0;
  readonly id: Uint8Array = new Uint8Array(MAX_FIELDS);
  /** Start of the line. */
  readonly start: Int32Array = new Int32Array(MAX_FIELDS);
  /** End of the name: the colon. */
  readonly colon: Int32Array = new Int32Array(MAX_FIELDS);
  /** The value without the white space around it. */
  readonly valueStart: Int32Array = new Int32Array(MAX_FIELDS);
  readonly valueEnd: Int32Array = new Int32Array(MAX_FIELDS);
  /** After the line's CR LF. */
  readonly end: Int32Array = new Int32Array(MAX_FIELDS);

  /**
   * Reads field lines from `pos` to the empty line that ends at `end` (which the caller has found).
   * Strict: CR LF alone ends a line, no folding, no white space before the colon, no control characters.
   */
  scan(bytes: Buffer, pos: number, end: number): Refusal | null {
    this.count = 0;
    this.present = 0;
    const last = end - 2;
    let at = pos;
    while (at < last) {
      const index = this.count;
      if (index === MAX_FIELDS) return new Refusal('tooManyFields', 431);
      const start = at;
      while (TOKEN[bytes[at] as number] === 1) at++;
      if (bytes[at] !== COLON || at === start) return nameRefusal(bytes, start, at);
      const colon = at++;
      while (bytes[at] === SP || bytes[at] === HTAB) at++;
      const valueStart = at;
      while (VALUE[bytes[at] as number] === 1) at++;
      if (bytes[at] !== CR || bytes[at + 1] !== LF) return valueRefusal(bytes[at], bytes[at + 1]);
      let valueEnd = at;
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB))
        valueEnd--;
      at += 2;
      const id = identifyField(bytes, start, colon);
      this.present |= 1 << id;
      this.id[index] = id;
      this.start[index] = start;
      this.colon[index] = colon;
      this.valueStart[index] = valueStart;
      this.valueEnd[index] = valueEnd;
      this.end[index] = at;
      this.count = index + 1;
    }
    // A CR LF that ends a line beyond the empty line would mean that the caller's end is not the head's.
    return at === last ? null : new Refusal('badLineEnd');
  }

  has(id: FieldId): boolean {
    return (this.present & (1 << id)) !== 0;
  }

  /** The line of the field `id` where there is exactly one; else -1. */
  only(id: FieldId): number {
    let found = -1;
    for (let i = 0; i < this.count; i++) {
      if (this.id[i] !== id) continue;
      if (found !== -1) return -1;
      found = i;
    }
    return found;
  }

  /** The value of line `index` as text (one character per byte). */
  value(bytes: Buffer, index: number): string {
    return text(bytes, this.valueStart[index] as number, this.valueEnd[index] as number);
  }

  /** The first value of a field by its name (lower case), or null. For fields without an id. */
  find(bytes: Buffer, name: string): string | null {
    for (let i = 0; i < this.count; i++) {
      if (this.isNamed(bytes, i, name)) return this.value(bytes, i);
    }
    return null;
  }

  /** Every value of a field with an id, joined as a list; null where there is none. */
  list(bytes: Buffer, id: FieldId): string | null {
    if (!this.has(id)) return null;
    let joined: string | null = null;
    for (let i = 0; i < this.count; i++) {
      if (this.id[i] !== id) continue;
      const value = this.value(bytes, i);
      joined = joined === null ? value : `${joined},${value}`;
    }
    return joined;
  }

  isNamed(bytes: Buffer, index: number, name: string): boolean {
    const start = this.start[index] as number;
    const length = (this.colon[index] as number) - start;
    return length === name.length && text(bytes, start, start + length).toLowerCase() === name;
  }
}

function nameRefusal(bytes: Buffer, start: number, at: number): Refusal {
  const first = bytes[start];
  if (first === SP || first === HTAB) return new Refusal('obsFold');
  const found = bytes[at];
  return new Refusal(found === LF || found === CR ? 'badLineEnd' : 'badFieldName');
}

function valueRefusal(found: number | undefined, next: number | undefined): Refusal {
  const lineEnd = found === LF || (found === CR && next !== LF);
  return new Refusal(lineEnd ? 'badLineEnd' : 'badFieldValue');
}
