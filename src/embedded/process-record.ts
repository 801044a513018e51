import { join } from 'node:path';
import * as z from 'zod';
import type { ProcessTable } from '../lib/process-table.ts';
import type { ProcessIdentity } from '../lib/processes.ts';
import type { DataDirectory } from './data-directory.ts';
import { readJson, writeJson } from './json-file.ts';

/** The processes that the supervisor keeps running, in the order in which they start. */
export const ROLES = ['router', 'manager', 'agent'] as const;
export type Role = (typeof ROLES)[number];

const ProcessRecord = z.object({
  role: z.enum(ROLES),
  pid: z.number().int().min(1),
  /** As the kernel says it: with the pid, an identity that no other process ever has. */
  startTime: z.string(),
  version: z.string(),
  /** `refused`: it ended because something must be mended first; starting it again changes nothing. */
  state: z.enum(['starting', 'ready', 'refused']),
  /** Since when this state, ms since 1970. */
  at: z.number(),
  /** From its start to `ready`, by its own clock. */
  readyMs: z.number().nullable(),
  message: z.string().nullable(),
  next: z.string().nullable(),
});
/**
 * What a process says of itself in `run/ROLE.json`. It writes it, not its parent: a parent killed between
 * spawn and write would leave a process that nobody knows.
 */
export type ProcessRecord = z.infer<typeof ProcessRecord>;

export const recordFile = (data: DataDirectory, role: Role): string => join(data.run, `${role}.json`);
export const lockFile = (data: DataDirectory, role: Role | 'supervisor'): string =>
  join(data.run, `${role}.lock`);

export function readRecord(data: DataDirectory, role: Role): ProcessRecord | undefined {
  const parsed = ProcessRecord.safeParse(readJson(recordFile(data, role)));
  return parsed.success ? parsed.data : undefined;
}

export const writeRecord = (data: DataDirectory, record: ProcessRecord): void =>
  writeJson(recordFile(data, record.role), record);

/** Whether this very process still runs: the same pid with another start time is somebody else. */
export async function runs(table: ProcessTable, identity: ProcessIdentity): Promise<boolean> {
  const entry = await table.get(identity.pid);
  return entry !== undefined && !entry.zombie && entry.startTime === identity.startTime;
}

/** The identity of the calling process. */
export async function ownIdentity(table: ProcessTable): Promise<ProcessIdentity> {
  const entry = await table.get(process.pid);
  if (entry === undefined) throw new Error(`the process table does not know process ${process.pid}`);
  return { pid: process.pid, startTime: entry.startTime };
}
