import { chmod, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** One verb that somebody used or was refused: who, what, on what, how it ended. Never a value of anything. */
export interface AuditLine {
  /** RFC 3339. */
  readonly at: string;
  /** The token's name; null where the caller was not known. */
  readonly who: string | null;
  readonly roles: readonly string[];
  readonly verb: string;
  readonly resource: string;
  readonly kind: string | null;
  readonly namespace: string | null;
  readonly name: string | null;
  readonly outcome: 'done' | 'accepted' | 'refused' | 'failed';
  /** HTTP status. */
  readonly code: number;
  /** Kubernetes' reason of a refusal: `Forbidden`, `Conflict`. */
  readonly reason: string | null;
  /** Why a person says they did it (`--why`), as they wrote it. */
  readonly why: string | null;
  readonly from: string | null;
  readonly userAgent: string | null;
}

export interface AuditLog {
  /** Resolves when the line is on disk. */
  write(line: AuditLine): Promise<void>;
  close(): Promise<void>;
}

/**
 * JSON lines in a file that only its owner reads, synced before the answer leaves. A full file becomes
 * `FILE.1`, and so on up to `keep`.
 */
export async function fileAudit(options: {
  readonly file: string;
  readonly maxBytes?: number;
  readonly keep?: number;
}): Promise<AuditLog> {
  const { file, maxBytes = 32 * 1024 * 1024, keep = 5 } = options;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  let handle = await open(file, 'a', 0o600);
  await chmod(file, 0o600);
  let size = (await stat(file)).size;
  let last: Promise<void> = Promise.resolve();
  /** Lines that came while a sync was under way share the next one. */
  let waiting: { lines: string[]; written: Promise<void> } | undefined;

  /** The old file stays open until the new one is: a rotation that fails loses no line. */
  const rotate = async (): Promise<void> => {
    for (let n = keep; n >= 1; n--) {
      await rename(n === 1 ? file : `${file}.${n - 1}`, `${file}.${n}`).catch(ignoreMissing);
    }
    const full = handle;
    handle = await open(file, 'a', 0o600);
    size = 0;
    await full.close();
  };

  const append = async (lines: readonly string[]): Promise<void> => {
    if (size > maxBytes) await rotate();
    const text = lines.join('');
    await handle.appendFile(text);
    await handle.datasync();
    size += Buffer.byteLength(text);
  };

  return {
    write(line) {
      const text = `${JSON.stringify(line)}\n`;
      if (waiting !== undefined) {
        waiting.lines.push(text);
        return waiting.written;
      }
      const batch = { lines: [text], written: Promise.resolve() };
      batch.written = last.then(() => {
        waiting = undefined;
        return append(batch.lines);
      });
      waiting = batch;
      last = batch.written.catch(() => undefined);
      return batch.written;
    },
    async close() {
      await last;
      await handle.close();
    },
  };
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** Keeps lines in memory: tests. */
export function memoryAudit(): AuditLog & { readonly lines: AuditLine[] } {
  const lines: AuditLine[] = [];
  return { lines, write: async (line) => void lines.push(line), close: async () => {} };
}
