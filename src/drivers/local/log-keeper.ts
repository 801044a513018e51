import { appendFileSync, closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Limits } from './options.ts';

/** Time between two looks at a log that grows slowly, and at one that would be too long by then. */
const CALM_MS = 2_000;
const BUSY_MS = 50;

/**
 * Keeps the instances' logs bounded. An application holds its log open, so a full one is copied and cut
 * (`log` → `log.1` → `log.2` …): it appends, so it goes on at the new end and never blocks. A flood is looked at more often, and of what came too fast to be looked at
 * in time only the end is kept.
 */
export async function keepLogs(options: {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly files: () => readonly string[];
}): Promise<void> {
  const { clock, limits, signal } = options;
  const sizes = new Map<string, number>();
  while (!signal.aborted) {
    let busy = false;
    const files = options.files();
    for (const file of files) {
      try {
        const size = (await stat(file)).size;
        const grown = size - (sizes.get(file) ?? size);
        if (grown > limits.logBytes / 20) busy = true;
        sizes.set(file, size);
        if (size < limits.logBytes) continue;
        await rotate(file, size, limits);
        sizes.set(file, 0);
        busy = true;
      } catch (error) {
        // Not written yet, or gone with its instance.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
          options.log.warn('a log could not be rotated', { file, error });
        }
      }
    }
    for (const file of sizes.keys()) if (!files.includes(file)) sizes.delete(file);
    await clock.sleep(busy ? BUSY_MS : CALM_MS, signal).catch(() => undefined);
  }
}

/** Where a full disk leaves no room for the copy, the log is cut all the same: that makes room. */
export async function rotate(file: string, size: number, limits: Limits): Promise<void> {
  const from = size <= 2 * limits.logBytes ? 0 : size - limits.logBytes;
  let copied = size;
  try {
    for (let n = limits.logFiles - 1; n >= 1; n -= 1) {
      await rename(`${file}.${n}`, `${file}.${n + 1}`).catch(ignoreMissing);
    }
    if (limits.logFiles > 0) copied = await copyRange(file, `${file}.1`, from, size);
  } finally {
    cut(file, limits.logFiles > 0 ? `${file}.1` : undefined, copied);
  }
}

const PIECE_BYTES = 1024 * 1_024;

/** Copies from one offset to another, or to where the file ends before; answers where that was. */
async function copyRange(from: string, to: string, start: number, end: number): Promise<number> {
  const [source, target] = [await open(from, 'r'), await open(to, 'w', 0o640)];
  try {
    const buffer = Buffer.alloc(PIECE_BYTES);
    let position = start;
    while (position < end) {
      const length = Math.min(buffer.length, end - position);
      const { bytesRead } = await source.read({ buffer, position, length });
      if (bytesRead === 0) break;
      await target.write(buffer, 0, bytesRead);
      position += bytesRead;
    }
    return position;
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
}

/**
 * Copies what came after `copied`, and cuts: in one turn, so that only what the application writes within
 * these microseconds is lost.
 */
function cut(file: string, to: string | undefined, copied: number): void {
  const log = openSync(file, 'r+');
  try {
    const more = Math.min(fstatSync(log).size - copied, PIECE_BYTES);
    if (more > 0 && to !== undefined) {
      const buffer = Buffer.alloc(more);
      appendFileSync(to, buffer.subarray(0, readSync(log, buffer, 0, more, copied)));
    }
  } finally {
    ftruncateSync(log, 0);
    closeSync(log);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
