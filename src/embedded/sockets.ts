import { SlipwayError } from '../lib/errors.ts';
import type { ProcessTable } from '../lib/process-table.ts';
import type { DataDirectory } from './data-directory.ts';
import { endProcess } from './end-process.ts';
import { type BoundSocket, bind, refuseUsed } from './listening.ts';
import { readRecord, runs } from './process-record.ts';
import type { Settings } from './settings.ts';

const MANAGER_STOP_MS = 10_000;

/** The sockets that outlive every process but the machine: entry first, then the API's. */
export interface Sockets {
  readonly entry: readonly BoundSocket[];
  readonly api: BoundSocket;
}

/** First descriptor that a child gets beyond its standard streams. */
const FIRST_FD = 3;

/** What a child started from `extras` finds at which descriptor. */
export const inheritedFds = (count: number): number[] =>
  Array.from({ length: count }, (_, n) => FIRST_FD + n);

/** Those that the router handed on, in the order in which it got them itself. */
export function inheritedSockets(settings: Settings): Sockets {
  const fds = inheritedFds(settings.entry.length + 1);
  const entry = settings.entry.map((address, index) => ({ fd: fds[index] ?? -1, address }));
  return { entry, api: { fd: fds[settings.entry.length] ?? -1, address: settings.api } };
}

/** Says at once what `bindSockets` would: for whoever starts a supervisor, which takes longer to come to it. */
export async function refuseUsedAddresses(
  data: DataDirectory,
  settings: Settings,
  table: ProcessTable,
): Promise<void> {
  for (const address of settings.entry) refuseUsed(address, '--http');
  const manager = readRecord(data, 'manager');
  // One that lost its supervisor has the API's socket, and is ended before the next is bound.
  if (manager === undefined || !(await runs(table, manager))) refuseUsed(settings.api, '--api');
}

/** Binds where nobody has them. Rejects with `conflict` where a router has, which starts a supervisor itself. */
export async function bindSockets(
  data: DataDirectory,
  settings: Settings,
  table: ProcessTable,
): Promise<Sockets> {
  const router = readRecord(data, 'router');
  if (router !== undefined && (await runs(table, router))) {
    // It has the sockets, and starts a supervisor with them as soon as it sees that there is none.
    throw new SlipwayError(
      'conflict',
      `The router (process ${router.pid}) still serves and starts the supervisor`,
      {
        next: 'slipway status',
      },
    );
  }
  const manager = readRecord(data, 'manager');
  // It has the API's socket, which only a parent could hand on: it ends, and starts again with a new one.
  if (manager !== undefined) await endProcess(table, manager, MANAGER_STOP_MS);
  return {
    entry: settings.entry.map((address) => bind(address, '--http')),
    api: bind(settings.api, '--api'),
  };
}
