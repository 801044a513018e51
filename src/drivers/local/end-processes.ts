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
  const { clock, processes, files, instancesRoot } = context;
  await Promise.all(
    instances.map(async ({ record }) => {
      const { identity } = record;
      if (identity === null || record.ended !== null) return;
      const ended = processes.awaitExit(identity);
      await processes.signalGroup(identity, 'SIGTERM');
      if (!(await firstOf(clock, graceMs, [ended]))) await processes.signalGroup(identity, 'SIGKILL');
      await ended;
      await processes.signalGroup(identity, 'SIGKILL');
      const how = 'was ended when Slipway went down';
      await saveRecord(files, instancesRoot, { ...record, ended: { at: clock.now(), how, code: null } });
    }),
  );
}
