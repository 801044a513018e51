import { readFileSync, statSync } from 'node:fs';
import { dirname, parse } from 'node:path';
import { SlipwayError } from '../lib/errors.ts';
import type { User } from './settings.ts';

/** Used where Slipway is root and nobody said otherwise: a number that no distribution gives out. */
export const UNPRIVILEGED: User = { uid: 61_840, gid: 61_840 };

export interface AppUserChoice {
  /** Null: applications run as Slipway's own user. */
  readonly user: User | null;
  readonly warnings: readonly string[];
}

/** What `up` and `status` say where no other user stands between the applications and Slipway's keys. */
export const SAME_USER =
  'Applications run as the same user as Slipway, so they can read its token and keys. ' +
  'Run Slipway as root to give them a user of their own.';

/** As whom applications run. Refuses what this process could not do, or a user that does not exist. */
export function appUserFor(options: {
  readonly wanted: string | undefined;
  /** Data directory: their files are below it. */
  readonly root: string;
}): AppUserChoice {
  const isRoot = process.geteuid?.() === 0;
  if (options.wanted === 'self') return { user: null, warnings: [SAME_USER] };
  if (!isRoot) {
    if (options.wanted === undefined) return { user: null, warnings: [SAME_USER] };
    throw new SlipwayError('forbidden', 'Only root can run applications as another user.', {
      next: 'sudo slipway up --app-user USER, or leave --app-user out',
    });
  }
  const user = options.wanted === undefined ? UNPRIVILEGED : parseUser(options.wanted);
  if (user.uid === 0) return { user: null, warnings: [SAME_USER] };
  const blocked = firstBlocked(options.root, user);
  if (blocked !== undefined) {
    throw new SlipwayError(
      'forbidden',
      `Applications run as user ${user.uid}, who may not pass through ${blocked} to the data directory ${options.root}.`,
      {
        next: 'slipway up --data /var/lib/slipway   (or --app-user self: applications can then read its token)',
      },
    );
  }
  return { user, warnings: [] };
}

/** `self`, `UID:GID`, `UID`, or a name in /etc/passwd. */
function parseUser(text: string): User {
  const numbers = /^(\d+)(?::(\d+))?$/.exec(text);
  if (numbers !== null) {
    const uid = Number(numbers[1]);
    return { uid, gid: numbers[2] === undefined ? uid : Number(numbers[2]) };
  }
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((one) => one.split(':'))
    .find(([name]) => name === text);
  if (line === undefined) {
    throw new SlipwayError('invalid', `There is no user "${text}" in /etc/passwd.`, {
      next: 'slipway up --app-user UID:GID',
    });
  }
  return { uid: Number(line[2]), gid: Number(line[3]) };
}

/** The first directory on the way to `path` that this user may not pass through. */
export function firstBlocked(path: string, user: User): string | undefined {
  const parts: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    parts.unshift(at);
    if (at === parse(at).root) break;
  }
  return parts.find((part) => !mayExecute(part, user));
}

function mayExecute(path: string, user: User): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return true;
  if (stat.uid === user.uid) return (stat.mode & 0o100) !== 0;
  if (stat.gid === user.gid) return (stat.mode & 0o010) !== 0;
  return (stat.mode & 0o001) !== 0;
}
