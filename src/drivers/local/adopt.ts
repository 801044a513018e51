import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RouteTable } from '../../router/table.ts';
import { type InstanceRecord, instancePaths, loadRecords, saveRecord } from './instance-record.ts';
import type { StoredWorkload } from './wish-store.ts';
import type { WorkloadContext } from './workload.ts';
import type { Workloads } from './workloads.ts';

/**
 * Takes over the instances of the driver's former life, by pid and start time. Those that served in its last
 * table go on serving; what nobody wants any more is drained and ended. Nothing is written to the router
 * before this is complete.
 */
export async function adoptInstances(
  context: WorkloadContext,
  workloads: Workloads,
  lastTable: RouteTable,
): Promise<void> {
  const { records, empty } = await loadRecords(context.files, context.instancesRoot);
  // A directory without a record: the crash came before the intent was durable, so nothing was started.
  await Promise.all(empty.map((id) => rm(join(context.instancesRoot, id), { recursive: true, force: true })));
  const served = new Set(
    lastTable.backends.filter((backend) => backend.state === 'serving').map((backend) => backend.id),
  );
  for (const noted of records) {
    const isJob = workloads.get(noted.key)?.wish.spec.type === 'migration';
    if (noted.ended !== null) {
      // A migration ran once for all; of any other the directory is only kept for its log.
      if (isJob && noted.retiring === null)
        workloads.get(noted.key)?.adopt(noted, { alive: false, admitted: false });
      continue;
    }
    const record = await identified(context, noted);
    const alive = record.identity !== null && (await context.processes.isAlive(record.identity));
    if (record.identity === null && !isJob) {
      // It never came to a process, and never will: nothing ended, so there is no failure to count.
      await rm(instancePaths(context.instancesRoot, record.id).directory, { recursive: true, force: true });
      continue;
    }
    const workload = workloads.get(record.key) ?? workloads.add(orphanage(record));
    workload.adopt(record, { alive, admitted: served.has(record.id) });
    context.log.info(alive ? 'adopted an instance' : 'an instance ended while nobody looked', {
      instance: record.id,
    });
  }
}

/** The identity, found by the wrapper's own note where the crash came between spawn and record. */
async function identified(context: WorkloadContext, record: InstanceRecord): Promise<InstanceRecord> {
  if (record.identity !== null) return record;
  const { exit } = instancePaths(context.instancesRoot, record.id);
  const identity = (await context.processes.reclaimGroup(exit)) ?? null;
  const found = { ...record, identity };
  if (identity !== null) await saveRecord(context.files, context.instancesRoot, found);
  return found;
}

/** What becomes of instances that no wish speaks of: drained as cautiously as the defaults are, and ended. */
const orphanage = ({ key, port }: InstanceRecord): StoredWorkload => ({
  wish: {
    key,
    replicas: 0,
    fence: { subject: `orphan/${key.version}`, epoch: 0, sequence: 0 },
    spec: {
      name: key.workload,
      type: port === null ? 'worker' : 'service',
      command: ['true'],
      env: {},
      drain: { timeout: '30s', streamTimeout: '30s', grace: '30s' },
      ...(port === null ? {} : { port: { env: 'PORT' } }),
    },
  },
  round: 0,
  removing: true,
  drains: [],
});
