import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROUTER_NODE_ARGUMENTS } from '../router/node-arguments.ts';
import type { DataDirectory } from './data-directory.ts';
import type { LogFile } from './log-file.ts';
import type { Role } from './process-record.ts';

export interface StartedChild {
  readonly pid: number;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * Starts a process of Slipway's own that outlives its parent: in a session of its own, with its log as
 * standard streams. Rejects when it cannot be started at all.
 */
export async function spawnRole(options: {
  readonly role: Role | 'supervisor';
  readonly data: DataDirectory;
  readonly log: LogFile;
  readonly fds: readonly number[];
  readonly env: Readonly<Record<string, string>>;
}): Promise<StartedChild> {
  const fd = options.log.open();
  const child = spawn(process.execPath, [...nodeArguments(options.role), entryOf(options.role)], {
    cwd: options.data.root,
    env: { ...baseEnvironment(options.data), ...options.env },
    detached: true,
    stdio: ['ignore', fd, fd, ...options.fds],
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  }).finally(() => closeSync(fd));
  // Whoever waits for its end has other reasons to live; `up` has none.
  child.unref();
  if (child.pid === undefined) throw new Error(`the operating system gave the ${options.role} no pid`);
  return { pid: child.pid, ended };
}

const nodeArguments = (role: Role | 'supervisor'): readonly string[] =>
  role === 'router' ? ROUTER_NODE_ARGUMENTS : [];

/** The module beside this one, from the sources as from what was built from them. */
export function entryOf(role: Role | 'supervisor'): string {
  const here = fileURLToPath(import.meta.url);
  return join(here, '..', `${role}-process${extname(here)}`);
}

/** What every process needs; nothing else of the caller's environment goes further. */
function baseEnvironment(data: DataDirectory): Record<string, string> {
  const passed = ['HOME', 'LANG', 'LC_ALL', 'TZ', 'NODE_EXTRA_CA_CERTS'];
  const env: Record<string, string> = {
    SLIPWAY_DATA: data.root,
    // Compiled code is kept beside the data, where nobody else writes: a restart after kill -9 is much faster.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(data.run, 'compiled'),
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  };
  for (const name of passed) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
