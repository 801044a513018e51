import { firstOf } from './first-of.ts';
import type { Instance } from './instance.ts';
import type { InstanceContext } from './instance-context.ts';
import { saveRecord } from './instance-record.ts';

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
