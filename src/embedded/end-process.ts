import type { ProcessTable } from '../lib/process-table.ts';
import type { ProcessIdentity } from '../lib/processes.ts';
import { runs } from './process-record.ts';

const LOOK_MS = 20;
/** A killed process is gone when the kernel has cleaned up after it. */
const KILLED_MS = 10_000;

/**
 * Ends a process that need not be a child: SIGTERM, then SIGKILL after `killAfterMs`. Returns when it is gone;
 * false when it had to be killed.
 */
export async function endProcess(
  table: ProcessTable,
  identity: ProcessIdentity,
  killAfterMs: number,
): Promise<boolean> {
  if (!(await runs(table, identity))) return true;
  sendSignal(identity.pid, 'SIGTERM');
  if (await goneWithin(table, identity, killAfterMs)) return true;
  sendSignal(identity.pid, 'SIGKILL');
  await goneWithin(table, identity, KILLED_MS);
  return false;
}

/** One that is gone already has what was wanted. */
export function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export async function goneWithin(
  table: ProcessTable,
  identity: ProcessIdentity,
  ms: number,
): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (await runs(table, identity)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return true;
}
