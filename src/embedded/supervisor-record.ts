import * as z from 'zod';
import { SlipwayError } from '../lib/errors.ts';
import type { DataDirectory } from './data-directory.ts';
import { readJson, writeJson } from './json-file.ts';
import { authority, type Settings } from './settings.ts';

const Address = z.object({ host: z.string(), port: z.number() });
const SupervisorRecord = z.object({
  pid: z.number(),
  startTime: z.string(),
  version: z.string(),
  /** RFC 3339: since when this Slipway is up; a supervisor that took over keeps it. */
  since: z.string(),
  state: z.enum(['running', 'refused']),
  message: z.string().nullable(),
  next: z.string().nullable(),
  entry: z.array(Address),
  api: Address,
});
/** `supervisor.json`: who has this data directory, for people and for those who look whether it still runs. */
export type SupervisorRecord = z.infer<typeof SupervisorRecord>;

export function readSupervisor(data: DataDirectory): SupervisorRecord | undefined {
  const parsed = SupervisorRecord.safeParse(readJson(data.supervisorFile));
  return parsed.success ? parsed.data : undefined;
}

export const writeSupervisor = (data: DataDirectory, record: SupervisorRecord): void =>
  writeJson(data.supervisorFile, record);

export interface Urls {
  /** Where applications' traffic enters. */
  readonly entry: readonly string[];
  readonly api: string;
}

export const urlsOf = (at: Pick<Settings, 'entry' | 'api'>): Urls => ({
  entry: at.entry.map((address) => `http://${authority(address)}`),
  api: `https://${authority(at.api)}`,
});

/** What a second `up` on the same data directory says. */
export function alreadyRuns(data: DataDirectory): SlipwayError {
  const record = readSupervisor(data);
  const words =
    record === undefined
      ? 'it is just starting'
      : `process ${record.pid}, since ${record.since}, API ${urlsOf(record).api}, traffic ${urlsOf(record).entry.join(', ')}`;
  return new SlipwayError('alreadyExists', `Slipway already runs on ${data.root}: ${words}`, {
    next: 'slipway status   (slipway down ends it; slipway up --data DIR starts another one elsewhere)',
  });
}
