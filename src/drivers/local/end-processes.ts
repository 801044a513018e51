import type { ProcessIdentity } from '../../lib/processes.ts';
import { firstOf } from './first-of.ts';
import type { Instance } from './instance.ts';
import type { InstanceContext } from './instance-context.ts';
import { type InstanceRecord, saveRecord } from './instance-record.ts';

/** Ends instances together, without a drain: SIGTERM, the grace, SIGKILL. For when Slipway itself goes down. */
export async function endProcesses(
  context: InstanceContext,
  instances: readonly Instance[],
  graceMs: number,
): Promise<void> {
  const { clock, processes, files, instancesRoot, log } = context;
  await Promise.all(
    instances.map(async (instance) => {
      await instance.started;
      const { record } = instance;
      const { identity } = record;
      if (identity === null || record.ended !== null) return;
      const exit = processes.awaitExit(identity);
      await processes.signalGroup(identity, 'SIGTERM');
      if (!(await firstOf(clock, graceMs, [exit]))) await processes.signalGroup(identity, 'SIGKILL');
      await exit;
      await processes.signalGroup(identity, 'SIGKILL');
      const how = 'was ended when Slipway went down';
      const ended = { at: clock.now(), how, code: null };
      await saveRecord(files, instancesRoot, { ...record, ended }).catch((error: unknown) => {
        // The next driver finds it gone by itself, and takes that for a crash.
        log.warn('the end of an instance could not be noted', { instance: record.id, error });
      });
    }),
  );
}

/**
 * Ends the children that an application left behind: in a retirement they have its grace, else nobody needs
 * them.
 *
 * @param graceMs of a retirement
 */
export async function endRest(
  { clock, processes }: InstanceContext,
  { identity, retiring }: InstanceRecord,
  graceMs: number,
): Promise<void> {
  if (identity === null) return;
  const deadline = clock.monotonic() + (retiring === null ? 0 : graceMs);
  while (clock.monotonic() < deadline && (await processes.isGroupAlive(identity))) await clock.sleep(50);
  await processes.signalGroup(identity, 'SIGKILL');
}

/** Time after SIGTERM for an instance that never came up: it serves nobody who would have to be let go. */
const FAILED_START_GRACE_MS = 2_000;

/** Ends an instance that did not get ready in time; `ended` resolves when it is gone. */
export async function endFailedStart(
  { clock, processes }: InstanceContext,
  identity: ProcessIdentity,
  ended: Promise<void>,
): Promise<void> {
  await processes.signalGroup(identity, 'SIGTERM');
  if (await firstOf(clock, FAILED_START_GRACE_MS, [ended])) return;
  await processes.signalGroup(identity, 'SIGKILL');
}
