import { join } from 'node:path';
import type { Files } from '../../lib/files.ts';
import type { ProcessIdentity } from '../../lib/processes.ts';
import type { WorkloadKey } from '../cluster-driver.ts';
import { parseJson } from './json-file.ts';

/**
 * What is known of one instance, durable in `instances/ID/meta.json`.
 *
 * It is written before the spawn, with the port and without an identity. A crash in between leaves such a
 * record: the next agent asks `Processes.reclaimGroup`, which either finds the group by its exit file or
 * makes sure that it never starts. So no process runs that no record names.
 */
export interface InstanceRecord {
  readonly id: string;
  readonly key: WorkloadKey;
  readonly ordinal: number;
  readonly round: number;
  /** Failures of this ordinal before it. */
  readonly restarts: number;
  readonly port: number | null;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly identity: ProcessIdentity | null;
  readonly retiring: RetiringRecord | null;
  /** How it ended; the directory stays for its log until it is pruned. */
  readonly ended: { readonly at: number; readonly how: string; readonly code: number | null } | null;
}

/** A retirement that has begun never turns back; a restarted agent goes on with it. */
export interface RetiringRecord {
  readonly startedAt: number;
  /** Noted before SIGTERM is sent: the grace begins here. That it was sent is noted by the wrapper. */
  readonly termAt: number | null;
}

/** Where an instance keeps what. Everything but `run` and `home` belongs to Slipway's own user. */
export interface InstancePaths {
  readonly directory: string;
  readonly meta: string;
  readonly log: string;
  /** Written to by the wrapper, as the application's user. */
  readonly run: string;
  readonly exit: string;
  readonly home: string;
}

export function instancePaths(root: string, id: string): InstancePaths {
  const directory = join(root, id);
  const run = join(directory, 'run');
  return {
    directory,
    meta: join(directory, 'meta.json'),
    log: join(directory, 'log'),
    run,
    exit: join(run, 'exit'),
    home: join(directory, 'home'),
  };
}

export const saveRecord = (files: Files, root: string, record: InstanceRecord): Promise<void> =>
  files.writeAtomic(instancePaths(root, record.id).meta, `${JSON.stringify(record)}\n`, { mode: 0o600 });

/** Every instance that has a directory. One without a record never got as far as a process. */
export async function loadRecords(
  files: Files,
  root: string,
): Promise<{ records: InstanceRecord[]; empty: string[] }> {
  const records: InstanceRecord[] = [];
  const empty: string[] = [];
  for (const id of await files.list(root)) {
    const { meta } = instancePaths(root, id);
    const content = await files.read(meta);
    if (content === undefined) empty.push(id);
    else records.push(parseJson<InstanceRecord>(content, meta));
  }
  return { records, empty };
}
