import { copyFileSync, existsSync, linkSync, mkdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { firstBlocked } from './app-user.ts';
import { cannotWrite, type DataDirectory } from './data-directory.ts';
import type { User } from './settings.ts';

/**
 * The PATH that applications get: the caller's own, and at its end a directory with the Node that runs
 * Slipway, so that `command: [node, …]` works on a machine that has no other. Where that Node stands behind
 * a directory that the applications' user may not pass through, the data directory gets a link to it.
 */
export function nodeFor(options: {
  readonly user: User | null;
  readonly path: string;
  readonly data: DataDirectory;
  readonly execPath?: string;
}): { readonly path: string; readonly warnings: readonly string[] } {
  const { user } = options;
  const own = options.execPath ?? process.execPath;
  const reachable = (file: string): boolean =>
    existsSync(file) && (user === null || firstBlocked(realpathSync(file), user) === undefined);
  // Relative parts of a PATH mean another directory for every process.
  const given = options.path.split(delimiter).filter((directory) => directory.startsWith('/'));
  const blocked = given.filter((directory) => {
    const node = join(directory, 'node');
    return existsSync(node) && !reachable(node);
  });
  // A shell skips a program that it may not run; the kernel's execvp does too, but ends with "not permitted".
  const usable = given.filter((directory) => !blocked.includes(directory));
  const last = reachable(own) ? dirname(own) : linkInto(options.data, own);
  const path = [...new Set([...usable, last])].join(delimiter);
  if (blocked.length === 0 || user === null) return { path, warnings: [] };
  return {
    path,
    warnings: [
      `Applications run as user ${user.uid}, who may not reach the node in ${blocked.join(', ')}; ` +
        `those directories are left out of their PATH, and ${last} stands at its end.`,
    ],
  };
}

function linkInto(data: DataDirectory, node: string): string {
  const directory = join(data.agent, 'bin');
  const target = join(directory, 'node');
  const temporary = `${target}.${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    rmSync(temporary, { force: true });
    try {
      linkSync(node, temporary);
    } catch {
      copyFileSync(node, temporary); // Another file system: links do not cross it.
    }
    renameSync(temporary, target);
  } catch (error) {
    throw cannotWrite(directory, error);
  }
  return directory;
}
