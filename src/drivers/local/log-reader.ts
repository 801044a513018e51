import { type FileHandle, open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../../lib/clock.ts';
import type { Files } from '../../lib/files.ts';
import { type InstanceRecord, instancePaths, loadRecords } from './instance-record.ts';

export interface LogQuery {
  readonly namespace?: string | undefined;
  readonly application?: string | undefined;
  readonly environment?: string | undefined;
  readonly workload?: string | undefined;
  /** Id of an instance, or the beginning of one: a version's name means all of its instances. */
  readonly instance?: string | undefined;
  readonly follow: boolean;
  /** Lines of each instance before now. */
  readonly tailLines: number;
}

export interface LogLine {
  readonly instance: string;
  readonly line: string;
}

/** While somebody follows: time between two looks for new lines and new instances. */
const LOOK_MS = 100;
const RESCAN_EVERY = 10;
/** Read at once; a longer line is given in pieces. */
const CHUNK = 64 * 1_024;
/** How far back `tailLines` looks. */
const TAIL_BYTES = 4 * 1024 * 1_024;

/**
 * Lines of all instances that match, those over included as long as their directory is kept. With `follow`
 * it goes on across rotation and with instances that come later, until the signal. Pulled by its reader, so
 * a slow one slows nothing but itself.
 */
export async function* readLogs(options: {
  readonly query: LogQuery;
  readonly instancesRoot: string;
  readonly files: Files;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): AsyncGenerator<LogLine> {
  const { query, instancesRoot, files, clock, signal } = options;
  const readers = new Map<string, LogFileReader>();
  try {
    for (let look = 0; !signal.aborted; look += 1) {
      if (look % RESCAN_EVERY === 0) {
        const { records } = await loadRecords(files, instancesRoot);
        const there = new Set(records.map(({ id }) => id));
        for (const [id, reader] of readers) {
          if (there.has(id)) continue;
          await reader.close();
          readers.delete(id);
        }
        for (const record of records
          .filter((one) => matches(one, query))
          .toSorted((a, b) => a.startedAt - b.startedAt)) {
          if (readers.has(record.id)) continue;
          // One that came while we follow is read from its first line.
          const tail = look === 0 ? query.tailLines : Number.POSITIVE_INFINITY;
          readers.set(record.id, new LogFileReader(instancePaths(instancesRoot, record.id).log, tail));
        }
      }
      for (const [instance, reader] of readers) {
        for await (const line of reader.newLines()) {
          if (signal.aborted) return;
          yield { instance, line };
        }
      }
      if (!query.follow) {
        for (const [instance, reader] of readers) {
          const rest = reader.unfinished();
          if (rest !== '') yield { instance, line: rest };
        }
        return;
      }
      await clock.sleep(LOOK_MS, signal).catch(() => undefined);
    }
  } finally {
    await Promise.all([...readers.values()].map((reader) => reader.close()));
  }
}

function matches(record: InstanceRecord, query: LogQuery): boolean {
  const { key } = record;
  const is = (wanted: string | undefined, found: string): boolean => wanted === undefined || wanted === found;
  return (
    is(query.namespace, key.namespace) &&
    is(query.application, key.application) &&
    is(query.environment, key.environment) &&
    is(query.workload, key.workload) &&
    (query.instance === undefined || record.id.startsWith(query.instance))
  );
}

/** One log, from some lines before its end on, across rotation. */
class LogFileReader {
  readonly #path: string;
  readonly #tail: number;
  #file: FileHandle | undefined;
  #position = 0;
  #rest = '';
  #begun = false;
  /** A character may lie across two reads. */
  readonly #decoder = new StringDecoder('utf8');

  constructor(path: string, tail: number) {
    this.#path = path;
    this.#tail = tail;
  }

  async *newLines(): AsyncGenerator<string> {
    try {
      this.#file ??= await open(this.#path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    if (!this.#begun) {
      this.#begun = true;
      yield* await this.#begin(this.#file);
    }
    const { size } = await this.#file.stat();
    if (size < this.#position) {
      // It was rotated: the copy goes on where we were, the log itself begins anew.
      yield* await this.#restOfCopy();
      this.#position = 0;
    }
    while (this.#position < size) {
      const before = this.#position;
      yield* this.#lines(await this.#read(this.#file, Math.min(CHUNK, size - before)));
      if (this.#position === before) return; // Cut while we read; the next look begins anew.
    }
  }

  /** What stands behind the last line end. */
  unfinished(): string {
    return this.#rest;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #begin(file: FileHandle): Promise<string[]> {
    if (this.#tail === Number.POSITIVE_INFINITY) return [];
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - start), position: start });
    this.#position = start + bytesRead;
    const lines = this.#lines(this.#decoder.write(buffer.subarray(0, bytesRead)));
    return this.#tail === 0 ? [] : lines.slice(-this.#tail);
  }

  async #restOfCopy(): Promise<string[]> {
    try {
      const copy = await open(`${this.#path}.1`, 'r');
      try {
        const { size } = await copy.stat();
        return size <= this.#position ? [] : this.#lines(await this.#read(copy, size - this.#position));
      } finally {
        await copy.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  async #read(file: FileHandle, length: number): Promise<string> {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position: this.#position });
    this.#position += bytesRead;
    return this.#decoder.write(buffer.subarray(0, bytesRead));
  }

  #lines(text: string): string[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > CHUNK) {
      lines.push(this.#rest);
      this.#rest = '';
    }
    return lines;
  }
}
