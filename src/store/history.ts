import { type Document, keyId } from './document.ts';

/** One change of one object, linked to the state that it replaced. */
export interface Entry {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** For DELETED the last state. */
  readonly document: Document;
  /** ms since 1970. */
  readonly at: number;
  /** Undefined where the object was new. Cut when this entry is forgotten, or chains would keep everything. */
  before: Entry | undefined;
}

export interface HistoryLimits {
  readonly maxChanges?: number;
  readonly maxAgeMs?: number;
  /** Characters of spec and status together, a measure of memory. */
  readonly maxSize?: number;
}

const sizeOf = (entry: Entry): number =>
  (entry.document.spec?.length ?? 0) + (entry.document.status?.length ?? 0) + 500;

/**
 * The latest changes in memory, in order of version: what watches read, what shows later pages of a list the
 * state of the first, and where objects in use are found without a look into the database. Everything up to
 * `compacted` is forgotten; who asks from before that is told `gone`.
 */
export class History {
  readonly #limits: Required<HistoryLimits>;
  #entries: Entry[] = [];
  #latest = new Map<string, Entry>();
  #head: number;
  #compacted: number;
  #size = 0;

  /** Begins empty at a version: what is older is unknown here. */
  constructor(version: number, limits: HistoryLimits = {}) {
    this.#head = version;
    this.#compacted = version;
    this.#limits = { maxChanges: 5_000, maxAgeMs: 3_600_000, maxSize: 33_554_432, ...limits };
  }

  /** The latest version that was given out. */
  get head(): number {
    return this.#head;
  }

  /** Changes up to and including this version are forgotten. */
  get compacted(): number {
    return this.#compacted;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** The latest kept change of an object. Undefined says only that none is kept. */
  latest(kind: string, namespace: string | undefined, name: string): Entry | undefined {
    return this.#latest.get(keyId(kind, namespace, name));
  }

  append(entry: Entry): void {
    this.#entries.push(entry);
    this.#latest.set(keyId(entry.kind, entry.namespace, entry.name), entry);
    this.#head = entry.version;
    this.#size += sizeOf(entry);
    // Rarely, and a tenth at once, since it moves the array.
    const { maxChanges, maxAgeMs, maxSize } = this.#limits;
    const oldest = this.#entries[0] ?? entry;
    if (
      this.#entries.length > maxChanges * 1.1 ||
      this.#size > maxSize * 1.1 ||
      entry.at - oldest.at > maxAgeMs * 1.1
    ) {
      this.#trim(entry.at);
    }
  }

  #trim(now: number): void {
    let size = this.#size;
    let count = 0;
    for (const entry of this.#entries) {
      const within = this.#entries.length - count <= this.#limits.maxChanges && size <= this.#limits.maxSize;
      if (within && now - entry.at <= this.#limits.maxAgeMs) break;
      size -= sizeOf(entry);
      count += 1;
    }
    const last = this.#entries[count - 1];
    if (last !== undefined) this.forget(last.version);
  }

  forget(through: number): void {
    if (through <= this.#compacted) return;
    this.#compacted = Math.min(through, this.#head);
    const kept = this.indexAfter(this.#compacted);
    for (const entry of this.#entries.slice(0, kept)) {
      entry.before = undefined;
      this.#size -= sizeOf(entry);
      const id = keyId(entry.kind, entry.namespace, entry.name);
      if (this.#latest.get(id) === entry) this.#latest.delete(id);
    }
    this.#entries = this.#entries.slice(kept);
  }

  /** Index of the first entry after a version. */
  indexAfter(version: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.version ?? 0) <= version) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Objects of a kind that were changed after a version, as they were at it; those made since are left out. */
  replacedSince(kind: string, version: number): Entry[] {
    const found: Entry[] = [];
    for (let i = this.indexAfter(version); i < this.#entries.length; i++) {
      const before = this.#entries[i]?.before;
      if (before !== undefined && before.kind === kind && before.version <= version) found.push(before);
    }
    return found;
  }
}
