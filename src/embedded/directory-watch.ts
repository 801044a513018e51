import { statSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';

const LOOK_MS = 1_000;

/**
 * Calls `lost` once when `file` is not the one any more that was there at the beginning: its directory was
 * removed, moved or replaced under a running Slipway. What runs then belongs to nobody who could find it.
 */
export function watchDirectory(file: string, clock: Clock, lost: () => void): Disposable {
  const before = statSync(file).ino;
  let timer: Disposable | undefined;
  const look = (): void => {
    if (isGone(file, before)) lost();
    else timer = clock.setTimer(LOOK_MS, look);
  };
  timer = clock.setTimer(LOOK_MS, look);
  return { [Symbol.dispose]: () => timer?.[Symbol.dispose]() };
}

/** A disk that does not answer is not taken for a directory that is gone: only "no such file" is. */
function isGone(file: string, inode: number): boolean {
  try {
    return statSync(file).ino !== inode;
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}
