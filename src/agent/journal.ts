import { crc32 } from 'node:zlib';
import type { Clock } from '../lib/clock.ts';
import { messageOf, SlipwayError } from '../lib/errors.ts';
import type { Files } from '../lib/files.ts';
import type { Log } from '../lib/log.ts';
import {
  applyEntry,
  emptyState,
  entriesOf,
  type JournalEntry,
  type JournalState,
} from './journal-entries.ts';

/** Rewritten when it is larger than this and has more than doubled since it was last rewritten. */
const COMPACT_BYTES = 1024 * 1024;
const RETRY_MS = [100, 250, 500, 1_000, 2_000];

export interface JournalOptions {
  readonly files: Files;
  readonly path: string;
  readonly cluster: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The agent's memory: append-only lines `crc32 json`, durable before anything that follows from them
 * (INV-13). `state` shows what is durable and nothing else.
 *
 * A last line without its end was never acknowledged and is cut off. Anything else that does not read is
 * corruption: the agent does not start on half a memory. After a failed write nobody knows what the file
 * holds, so the next one rewrites it whole.
 */
export class Journal {
  readonly state: JournalState;
  readonly #options: JournalOptions;
  #waiting: { entry: JournalEntry; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #writing: Promise<void> | null = null;
  #mustRewrite: boolean;
  #bytes: number;
  #bytesWhenCompacted: number;

  private constructor(options: JournalOptions, state: JournalState, bytes: number, mustRewrite: boolean) {
    this.#options = options;
    this.state = state;
    this.#bytes = bytes;
    this.#bytesWhenCompacted = bytes;
    this.#mustRewrite = mustRewrite;
  }

  /** Rejects with a SlipwayError when the file is corrupt or of another cluster. */
  static async open(options: JournalOptions): Promise<Journal> {
    const content = await options.files.read(options.path);
    const state = emptyState();
    if (content === undefined) return new Journal(options, state, 0, true);
    const end = content.lastIndexOf(0x0a) + 1;
    let number = 0;
    for (const line of content.subarray(0, end).toString('utf8').split('\n').slice(0, -1)) {
      number += 1;
      try {
        const entry = decode(line);
        if (number === 1) checkHeader(entry, options.cluster);
        applyEntry(state, entry);
      } catch (error) {
        throw new SlipwayError('internal', `${options.path} line ${number}: ${messageOf(error)}`, {
          cause: error,
          next: `move ${options.path} away and restart the agent: executions under way are then started again`,
        });
      }
    }
    return new Journal(options, state, end, end !== content.length || number === 0);
  }

  /** Resolves when the entry is durable. Entries of one moment share one sync. */
  write(entry: JournalEntry): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
    });
    this.#writing ??= this.#drain();
    return done;
  }

  /** As `write`, again and again while the disk refuses. Rejects only when the signal is aborted. */
  async writeUntilDurable(entry: JournalEntry, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        await this.write(entry);
        return;
      } catch (error) {
        this.#options.log.error('the journal cannot be written; what depends on it waits', { error });
        await this.#options.clock.sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 2_000, signal);
      }
    }
  }

  /** Everything asked for so far is durable or has been refused. */
  async settled(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #drain(): Promise<void> {
    // Entries that are asked for in the same turn go out together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#mustRewrite || this.#isLarge()) await this.#rewrite();
        const text = batch.map(({ entry }) => encode(entry)).join('');
        await this.#options.files.append(this.#options.path, text);
        this.#bytes += Buffer.byteLength(text);
        for (const { entry, resolve } of batch) {
          applyEntry(this.state, entry);
          resolve();
        }
      } catch (error) {
        this.#mustRewrite = true;
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = null;
  }

  #isLarge(): boolean {
    return this.#bytes > COMPACT_BYTES && this.#bytes > 2 * this.#bytesWhenCompacted;
  }

  async #rewrite(): Promise<void> {
    const text = entriesOf(this.state, this.#options.cluster).map(encode).join('');
    await this.#options.files.writeAtomic(this.#options.path, text, { mode: 0o600 });
    this.#bytes = Buffer.byteLength(text);
    this.#bytesWhenCompacted = this.#bytes;
    this.#mustRewrite = false;
  }
}

function encode(entry: JournalEntry): string {
  const json = JSON.stringify(entry);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

function decode(line: string): JournalEntry {
  const json = line.slice(9);
  if (line[8] !== ' ' || crc32(json).toString(16).padStart(8, '0') !== line.slice(0, 8)) {
    throw new TypeError('the checksum does not match; the journal is corrupt');
  }
  return JSON.parse(json) as JournalEntry;
}

function checkHeader(entry: JournalEntry, cluster: string): void {
  if (entry.t !== 'journal') throw new TypeError('the journal has no header; it is corrupt');
  if (entry.format !== 1) throw new TypeError(`the journal has format ${entry.format}, this program reads 1`);
  if (entry.cluster !== cluster) {
    throw new TypeError(`the journal belongs to cluster ${entry.cluster}, not to ${cluster}`);
  }
}
