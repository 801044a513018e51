import {
  closeSync,
  copyFileSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';

const MAX_BYTES = 10 * 1024 * 1024;
const KEPT = 3;
const TAIL_BYTES = 16 * 1024;

/**
 * A process's log: opened by the supervisor, appended to by the process itself, which goes on writing when
 * the supervisor is gone.
 */
export class LogFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** A descriptor for the standard streams of a process; the caller closes it after the spawn. */
  open(): number {
    return openSync(this.path, 'a', 0o600);
  }

  /** Where the next line begins. */
  size(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** The last lines that were written after `position`. */
  tail(position = 0, lines = 8): string[] {
    const size = this.size();
    // A rotation in between has put everything at the front again.
    const from = Math.max(position > size ? 0 : position, size - TAIL_BYTES);
    if (size <= from) return [];
    const buffer = Buffer.alloc(size - from);
    const fd = openSync(this.path, 'r');
    try {
      readSync(fd, buffer, 0, buffer.length, from);
    } finally {
      closeSync(fd);
    }
    return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).map(readable);
  }

  /**
   * Keeps it below its size: copied aside and cut to nothing, since a running process goes on with the file
   * that it has open (in append mode, so its next line stands at the front). A line written between copy and
   * cut is lost; that is the price of not having to tell every process.
   */
  rotate(maxBytes = MAX_BYTES): boolean {
    const size = this.size();
    if (size < maxBytes) return false;
    rmSync(`${this.path}.${KEPT}`, { force: true });
    for (let n = KEPT - 1; n >= 1; n--) {
      if (statSync(`${this.path}.${n}`, { throwIfNoEntry: false }))
        renameSync(`${this.path}.${n}`, `${this.path}.${n + 1}`);
    }
    try {
      copyFileSync(this.path, `${this.path}.1`);
    } finally {
      // On a full disk the copy fails, and what must go is the log.
      truncateSync(this.path, 0);
    }
    return true;
  }
}

/** The message of a JSON log line with its error, as a person wants it in a sentence; other lines as they are. */
function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { message, error } = JSON.parse(line) as {
      message?: string;
      error?: { message?: string } | string;
    };
    const why = typeof error === 'string' ? error : error?.message;
    return [message, why].filter(Boolean).join(': ') || line;
  } catch {
    return line; // Cut by the window: shown as it is.
  }
}
