import { existsSync, rmSync, writeFileSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import { nodeFiles } from '../lib/files-node.ts';
import { systemProcessTable } from '../lib/process-table.ts';
import { nodeProcesses } from '../lib/processes-node.ts';
import type { DataDirectory } from './data-directory.ts';
import { endProcess } from './end-process.ts';
import { tryLock } from './kernel-lock.ts';
import { type ApplicationGroup, findLeftovers, type Leftovers, type LookAt } from './leftovers.ts';
import { lockFile, ROLES, type Role, recordFile } from './process-record.ts';

/** From SIGTERM to SIGKILL; the router's requests and the agent's applications have graces of their own. */
const STOP_MS: Readonly<Record<Role, number>> = { manager: 45_000, router: 90_000, agent: 120_000 };
/**
 * Of manager and agent without a data directory: what they would still write has no place, and one that tries
 * again and again would not end.
 */
export const LOST_STOP_MS = 3_000;
/** Of applications that nobody else ends any more. */
export const GROUP_GRACE_MS = 30_000;
const LOOK_MS = 20;

export const lookAt = (data: DataDirectory): LookAt => ({
  data,
  table: systemProcessTable(),
  processes: nodeProcesses(),
  files: nodeFiles(),
});

/** What `down` finds where no supervisor answers. */
export const leftoversOf = (data: DataDirectory): Promise<Leftovers> => findLeftovers(lookAt(data));

/**
 * Ends what a Slipway without a supervisor has left, in the order of a stop. Rejects with `conflict` when a
 * supervisor has the directory after all: it is the one to ask.
 */
export async function endLeftovers(
  data: DataDirectory,
  clock: Clock,
  say: (message: string) => void,
): Promise<void> {
  // Without the directory nobody can hold its lock; what is found is proven by its own arguments.
  using _lock = existsSync(data.run) ? requireLock(data) : undefined;
  const at = lookAt(data);
  const { roles } = await findLeftovers(at);
  // Read by the agent: the applications end with it, and know it for an end and not for a crash.
  if (existsSync(data.run)) writeFileSync(data.downFile, '');
  for (const role of ['manager', 'router', 'agent'] as const) {
    for (const { identity } of roles.filter((one) => one.role === role)) {
      const lost = role !== 'router' && !existsSync(data.run);
      await endProcess(at.table, identity, lost ? LOST_STOP_MS : STOP_MS[role]);
      say(`${role} (process ${identity.pid}) ended`);
    }
  }
  const { groups } = await findLeftovers(at);
  await endGroups(at, groups, clock);
  for (const { id, identity } of groups) say(`instance ${id} (process ${identity.pid}) ended`);
  for (const role of ROLES) rmSync(recordFile(data, role), { force: true });
  for (const file of [data.routerSocket, data.supervisorSocket, data.supervisorFile, data.downFile])
    rmSync(file, { force: true });
}

function requireLock(data: DataDirectory): Disposable {
  const lock = tryLock(lockFile(data, 'supervisor'));
  if (lock !== undefined) return lock;
  throw new SlipwayError('conflict', `A supervisor has ${data.root} and does not answer.`, {
    next: 'slipway down   (once more; it may just have started)',
  });
}

/** SIGTERM, the grace, SIGKILL, all together. Returns when they are gone. */
export async function endGroups(
  { processes }: LookAt,
  groups: readonly ApplicationGroup[],
  clock: Clock,
  graceMs = GROUP_GRACE_MS,
): Promise<void> {
  await Promise.all(
    groups.map(async ({ identity }) => {
      const gone = async (): Promise<boolean> =>
        !(await processes.isAlive(identity)) && !(await processes.isGroupAlive(identity));
      const deadline = clock.monotonic() + graceMs;
      await processes.signalGroup(identity, 'SIGTERM');
      while (!(await gone()) && clock.monotonic() < deadline) await clock.sleep(LOOK_MS);
      while (await processes.signalGroup(identity, 'SIGKILL')) await clock.sleep(LOOK_MS);
    }),
  );
}
