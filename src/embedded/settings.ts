import { rmSync } from 'node:fs';
import * as z from 'zod';
import { messageOf, SlipwayError } from '../lib/errors.ts';
import type { DataDirectory } from './data-directory.ts';
import { cannotWrite } from './data-directory.ts';
import { readJson, writeJson } from './json-file.ts';

const Address = z.object({ host: z.string().min(1), port: z.number().int().min(0).max(65_535) });
export type Address = z.infer<typeof Address>;

const User = z.object({ uid: z.number().int().min(0), gid: z.number().int().min(0) });
export type User = z.infer<typeof User>;

export const Settings = z.object({
  /** Where applications' traffic enters. Several, so that `localhost` works by IPv4 and by IPv6. */
  entry: z.array(Address).min(1),
  api: Address,
  /** PATH that applications get. */
  path: z.string(),
  /** Applications run as this user; null: as Slipway's own. */
  appUser: User.nullable(),
});
/** What `up` was told, kept so that a supervisor that starts by itself does the same. */
export type Settings = z.infer<typeof Settings>;

export const DEFAULT_ENTRY: Address = { host: '127.0.0.1', port: 8480 };
export const DEFAULT_API: Address = { host: '127.0.0.1', port: 8481 };

export function readSettings(data: DataDirectory): Settings | undefined {
  let value: unknown;
  try {
    value = readJson(data.settingsFile);
  } catch (error) {
    throw unreadable(data, error);
  }
  if (value === undefined) return undefined;
  const parsed = Settings.safeParse(value);
  if (!parsed.success) throw unreadable(data, parsed.error);
  return parsed.data;
}

export function writeSettings(data: DataDirectory, settings: Settings): void {
  try {
    writeJson(data.settingsFile, settings);
  } catch (error) {
    throw cannotWrite(data.settingsFile, error);
  }
}

/** As it was before a start that failed; undefined: there was none. */
export function restoreSettings(data: DataDirectory, before: Settings | undefined): void {
  if (before === undefined) rmSync(data.settingsFile, { force: true });
  else writeSettings(data, before);
}

const unreadable = (data: DataDirectory, cause: unknown): SlipwayError => {
  const why = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
  return new SlipwayError('invalid', `${data.settingsFile} cannot be read: ${why}`, {
    next: 'mend or remove it, then run slipway up again',
    cause,
  });
};

/** An address as programs of this machine reach it: one that means "every address" is reached on loopback. */
export function localAddress({ host, port }: Address): Address {
  const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  return { host: everywhere[host] ?? host, port };
}

/** `HOST:PORT` as it stands in a URL. */
export const authority = ({ host, port }: Address): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** The API's URL for programs of this machine. */
export const localUrl = (api: Address): string => `https://${authority(localAddress(api))}`;
