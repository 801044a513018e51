import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SlipwayError } from '../lib/errors.ts';

/** Where everything of one `slipway up` stands. One data directory is one Slipway. */
export interface DataDirectory {
  readonly root: string;
  /** What `up` was told, so that a restarted supervisor does the same. */
  readonly settingsFile: string;
  /** Who supervises: pid, start time, since when, URLs. */
  readonly supervisorFile: string;
  readonly clientFile: string;
  /** Sockets, locks and records of running processes; worth nothing when none runs. */
  readonly run: string;
  readonly supervisorSocket: string;
  readonly routerSocket: string;
  /** Where the manager answers programs of its own user. */
  readonly apiSocket: string;
  /** Present from the beginning of a stop to its end: read by the router, the agent and a successor. */
  readonly downFile: string;
  readonly store: string;
  readonly database: string;
  readonly artifacts: string;
  readonly keys: string;
  readonly routerTable: string;
  readonly agent: string;
  readonly logs: string;
}

/** Addresses of Unix sockets hold 104 bytes (macOS) to 108 (Linux); a longer one is cut without an error. */
const LONGEST_SOCKET = 103;

/** Paths below `root`. Refuses (`invalid`) a root under which no socket can be made. */
export function dataDirectory(root: string): DataDirectory {
  const at = resolve(root);
  const run = join(at, 'run');
  const supervisorSocket = join(run, 'supervisor.sock');
  if (Buffer.byteLength(supervisorSocket) > LONGEST_SOCKET) {
    throw new SlipwayError('invalid', `The data directory's path is too long for its sockets: ${at}`, {
      next: `slipway up --data DIR, with at most ${LONGEST_SOCKET - '/run/supervisor.sock'.length} bytes`,
    });
  }
  return {
    root: at,
    settingsFile: join(at, 'settings.json'),
    supervisorFile: join(at, 'supervisor.json'),
    clientFile: join(at, 'client.json'),
    run,
    supervisorSocket,
    routerSocket: join(run, 'router.sock'),
    apiSocket: join(run, 'api.sock'),
    downFile: join(run, 'down'),
    store: join(at, 'store'),
    database: join(at, 'store', 'slipway.db'),
    artifacts: join(at, 'artifacts'),
    keys: join(at, 'keys'),
    routerTable: join(at, 'router', 'table.json'),
    agent: join(at, 'agent'),
    logs: join(at, 'logs'),
  };
}

/**
 * Makes the directories. The root and `agent/` can be passed through, since applications under a user of
 * their own run from there; everything else is Slipway's alone.
 */
export function makeDirectories(data: DataDirectory): void {
  const parts: [path: string, mode: number][] = [
    [data.root, 0o711],
    [data.agent, 0o711],
    [data.run, 0o700],
    [data.store, 0o700],
    [data.artifacts, 0o700],
    [data.keys, 0o700],
    [join(data.root, 'router'), 0o700],
    [data.logs, 0o700],
  ];
  try {
    for (const [path, mode] of parts) {
      makeDirectory(path, mode);
      chmodSync(path, mode);
    }
  } catch (error) {
    throw cannotWrite(data.root, error);
  }
}

/**
 * With every directory above it. Node's own `recursive` asks again for ever where a directory under one that is
 * there cannot be found a moment after it was made, as in /proc.
 */
function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
    return;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error;
  }
  makeDirectory(dirname(path), mode);
  mkdirSync(path, { mode });
}

/** What a failed write in the data directory means to a person. */
export function cannotWrite(path: string, error: unknown): SlipwayError {
  const code = (error as NodeJS.ErrnoException).code;
  const words: Record<string, [what: string, next: string]> = {
    ENOSPC: [`The disk that holds ${path} is full.`, `df -h ${path}, make room, then run this again`],
    EDQUOT: [`The disk quota for ${path} is used up.`, `make room, then run this again`],
    EACCES: [
      `Slipway may not write in ${path}.`,
      `ls -ld ${path}, or choose another place: slipway up --data DIR`,
    ],
    EPERM: [
      `${path} belongs to another user.`,
      `slipway up as that user, or choose another place: --data DIR`,
    ],
    ENOENT: [
      `No directory can be made at ${path}: its file system takes none.`,
      'choose another place: slipway up --data DIR',
    ],
    EROFS: [`${path} is on a read-only file system.`, 'choose another place: slipway up --data DIR'],
    ENOTDIR: [`A part of ${path} is a file and no directory.`, 'choose another place: slipway up --data DIR'],
    EEXIST: [`${path} is a file and no directory.`, 'choose another place: slipway up --data DIR'],
  };
  const [what, next] = words[code ?? ''] ?? [
    `Slipway cannot write in ${path}: ${error instanceof Error ? error.message : String(error)}`,
    `ls -ld ${path}`,
  ];
  return new SlipwayError('unavailable', what, { next, cause: error });
}
