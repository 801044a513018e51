import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadRecords } from '../drivers/local/instance-record.ts';
import type { Files } from '../lib/files.ts';
import type { ProcessTable } from '../lib/process-table.ts';
import type { Processes, ProcessIdentity } from '../lib/processes.ts';
import type { DataDirectory } from './data-directory.ts';
import { ROLES, type Role, readRecord, runs } from './process-record.ts';
import { readSupervisor } from './supervisor-record.ts';

/** What still runs of a Slipway; each identity is proven to be this data directory's. */
export interface Leftovers {
  readonly roles: readonly { readonly role: Role | 'supervisor'; readonly identity: ProcessIdentity }[];
  /** Process groups of applications. */
  readonly groups: readonly ApplicationGroup[];
}

export interface ApplicationGroup {
  /** Of the instance. */
  readonly id: string;
  readonly identity: ProcessIdentity;
}

export interface LookAt {
  readonly data: DataDirectory;
  readonly table: ProcessTable;
  readonly processes: Processes;
  readonly files: Files;
}

/**
 * What of this data directory's Slipway runs, whoever started it. Two proofs count, and nothing else does: a
 * record of the directory with pid and start time, or the process' own arguments and environment, which name
 * the directory. The second finds what runs on when the directory was removed (roles: on Linux alone).
 */
export async function findLeftovers(at: LookAt): Promise<Leftovers> {
  const [roles, groups, scanned] = await Promise.all([rolesOnRecord(at), groupsOnRecord(at), scan(at)]);
  return {
    roles: once([...roles, ...scanned.roles]),
    groups: once([...groups, ...scanned.groups]),
  };
}

/** Groups of applications whose directory is gone: no record will ever name them again. */
export async function findLostGroups(at: LookAt): Promise<ApplicationGroup[]> {
  const { groups } = await scan(at);
  const known = await Promise.all(
    groups.map(async ({ id, identity }) => {
      // The claim that the wrapper made when it started; another Slipway's at the same place names its own.
      const claim = await at.files.read(join(instancesOf(at.data), id, 'run', 'exit.pid'));
      return claim?.toString().trim() === String(identity.pid);
    }),
  );
  return groups.filter((_, index) => known[index] !== true);
}

const instancesOf = (data: DataDirectory): string => join(data.agent, 'instances');

async function rolesOnRecord({ data, table }: LookAt): Promise<Leftovers['roles']> {
  const supervisor = readSupervisor(data);
  const records = [
    ...(supervisor === undefined ? [] : [{ role: 'supervisor' as const, record: supervisor }]),
    ...ROLES.flatMap((role) => {
      const record = readRecord(data, role);
      return record === undefined ? [] : [{ role, record }];
    }),
  ];
  const alive = await Promise.all(records.map(({ record }) => runs(table, record)));
  return records
    .filter((_, index) => alive[index] === true)
    .map(({ role, record: { pid, startTime } }) => ({ role, identity: { pid, startTime } }));
}

/** Also groups that have lost the process that led them. */
async function groupsOnRecord({ data, files, processes }: LookAt): Promise<ApplicationGroup[]> {
  const { records } = await loadRecords(files, instancesOf(data));
  const found = await Promise.all(
    records.map(async ({ id, identity, ended }) => {
      if (identity === null || ended !== null) return [];
      const alive = (await processes.isAlive(identity)) || (await processes.isGroupAlive(identity));
      return alive ? [{ id, identity }] : [];
    }),
  );
  return found.flat();
}

/** A role's module, from the sources as from what was built. */
const ROLE_PROCESS = /\/embedded\/(supervisor|router|manager|agent)-process\.[jt]s(?: |$)/;

async function scan({ data, table }: LookAt): Promise<Leftovers> {
  const roles: { role: Role | 'supervisor'; identity: ProcessIdentity }[] = [];
  const groups: ApplicationGroup[] = [];
  const instances = `slipway-instance ${instancesOf(data)}/`;
  for (const { pid, startTime, zombie, group } of await table.list()) {
    if (zombie || pid === process.pid) continue;
    const words = (await table.arguments(pid)) ?? '';
    const identity = { pid, startTime };
    const role = ROLE_PROCESS.exec(words)?.[1];
    const at = words.indexOf(instances);
    // The wrapper leads its group; what it starts has arguments of its own.
    if (at >= 0 && group === pid)
      groups.push({ id: words.slice(at + instances.length).split('/')[0] ?? '', identity });
    else if (role !== undefined && (await isToldOf(pid, data)))
      roles.push({ role: role as Role | 'supervisor', identity });
  }
  return { roles, groups };
}

/** Whether the process was started with this data directory in its environment. */
async function isToldOf(pid: number, data: DataDirectory): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').includes(`SLIPWAY_DATA=${data.root}`);
  } catch (error) {
    // Another user's, gone meanwhile, or a system without /proc: not proven.
    if (['EACCES', 'EPERM', 'ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return false;
    throw error;
  }
}

/** The same process by both proofs counts once. */
function once<T extends { readonly identity: ProcessIdentity }>(found: readonly T[]): T[] {
  return [...new Map(found.map((one) => [`${one.identity.pid} ${one.identity.startTime}`, one])).values()];
}
