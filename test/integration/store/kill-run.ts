import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../../src/lib/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { WRITER, WriterProcess } from './child.ts';
import { whyWrong } from './model.ts';

export interface KillRun {
  readonly acknowledged: number;
  /** What was lost, torn or reordered; undefined when nothing was. */
  readonly wrong: string | undefined;
}

const clock = systemClock();
const random = systemRandom();

export const openStore = (file: string) =>
  openSqliteStore({ file, clock, random, programVersion: '0.1.0', lockTimeoutMs: 10_000 });

/**
 * One kill: a writer of eight at once on the store of the kills before, `kill -9` after `ms` (counted from
 * its start, so that opening and recovery are hit too, or from its first acknowledged write), then a look.
 */
export async function killRun(
  file: string,
  run: number,
  moment: { readonly from: 'start' | 'firstAck'; readonly ms: number },
): Promise<KillRun> {
  const child = new WriterProcess([process.execPath, WRITER, file, `r${run}w`, '8']);
  if (moment.from === 'firstAck')
    await child.until('a first write is acknowledged', () => child.count('ack') > 0);
  await wait(moment.ms);
  await child.kill();
  const store = await openStore(file);
  try {
    return { acknowledged: child.count('ack'), wrong: await whyWrong(store, child.acknowledged) };
  } finally {
    await store.close();
  }
}

/** Random moments: a third while it starts, the rest while it writes. */
export const randomMoment = () =>
  Math.random() < 1 / 3
    ? { from: 'start' as const, ms: Math.random() * 400 }
    : { from: 'firstAck' as const, ms: Math.random() * 200 };
