import { constants } from 'node:os';
import { readUntrusted } from '../../lib/untrusted-file.ts';

export interface Exit {
  /** Words that follow "it". */
  readonly how: string;
  /** 128 + n for signal n, as shells say it; null when nobody saw it. */
  readonly code: number | null;
}

const MAX_BYTES = 1_024;

/** How an application ended, as its wrapper noted it. */
export async function readExit(exitFile: string): Promise<Exit> {
  try {
    const { code, signal } = JSON.parse(await readUntrusted(exitFile, MAX_BYTES)) as {
      code?: unknown;
      signal?: unknown;
    };
    if (typeof signal === 'string' && /^SIG[A-Z0-9+-]{1,12}$/.test(signal)) {
      const hint = signal === 'SIGKILL' ? ' (somebody or the out-of-memory killer sent it)' : '';
      return { how: `was ended by ${signal}${hint}`, code: numberOf(signal) };
    }
    if (typeof code === 'number') return { how: `exited with code ${code}`, code };
    return { how: 'ended, and its exit record makes no sense', code: null };
  } catch (error) {
    // The application's user may write there, so whatever stands there is only a hint and never an error.
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return {
      how: missing
        ? 'was killed together with its process group'
        : 'ended, and its exit record cannot be read',
      code: null,
    };
  }
}

const numberOf = (signal: string): number | null => {
  const number = (constants.signals as Readonly<Record<string, number>>)[signal];
  return number === undefined ? null : 128 + number;
};
