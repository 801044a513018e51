import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, relative, resolve } from 'node:path';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** What would keep a command from starting, found before the spawn so that it has a clear sentence. */
export type Preflight =
  | { readonly ok: true; readonly cwd: string }
  | { readonly ok: false; readonly reason: string };

/**
 * Looks up the command as the kernel and the shell will: a name in PATH, a path from the working directory;
 * then whether the user it will run as gets there.
 */
export async function preflight(order: {
  readonly argv: readonly string[];
  readonly root: string;
  readonly workingDirectory: string | undefined;
  readonly path: string;
  readonly user: User | undefined;
}): Promise<Preflight> {
  const cwd = resolve(order.root, order.workingDirectory ?? '.');
  const inside = relative(order.root, cwd);
  if (inside.startsWith('..') || isAbsolute(inside)) {
    return no(`workingDirectory "${order.workingDirectory}" leads out of the artifact`);
  }
  if (!(await isDirectory(cwd))) {
    return no(`workingDirectory "${order.workingDirectory ?? '.'}" is no directory of the artifact`);
  }
  const word = order.argv[0] ?? '';
  const found = await find(word, cwd, order.path);
  if (found === undefined) {
    const where = word.includes('/') ? 'in the artifact' : `in PATH (${order.path})`;
    return no(`command "${word}" was not found ${where}`);
  }
  if (!found.executable) return no(`command "${word}" is not executable (${found.file})`);
  for (const place of order.user === undefined ? [] : [cwd, found.file]) {
    const barrier = await barrierTo(place, order.user as User);
    if (barrier !== undefined) {
      return no(`user ${order.user?.uid}, as whom applications run, cannot get to ${place}: ${barrier}`);
    }
  }
  return { ok: true, cwd };
}

const no = (reason: string): Preflight => ({ ok: false, reason });

async function find(
  word: string,
  cwd: string,
  path: string,
): Promise<{ file: string; executable: boolean } | undefined> {
  const files = word.includes('/')
    ? [resolve(cwd, word)]
    : path.split(delimiter).map((directory) => join(resolve(cwd, directory), word));
  let refused: string | undefined;
  for (const file of files) {
    if (!(await isFile(file))) continue;
    if (await isExecutable(file)) return { file, executable: true };
    refused ??= file;
  }
  return refused === undefined ? undefined : { file: refused, executable: false };
}

/** The first directory above `place` that `user` may not pass, or `place` itself when it may not be read. */
async function barrierTo(place: string, user: User): Promise<string | undefined> {
  const above: string[] = [];
  for (let at = dirname(place); ; at = dirname(at)) {
    above.unshift(at);
    if (at === dirname(at)) break;
  }
  for (const directory of above) {
    const barred = await lacks(directory, user, 0o1);
    if (barred !== undefined) return barred;
  }
  return await lacks(place, user, 0o5);
}

/** Mode bits as the kernel reads them: the owner's, else the group's, else everybody's. */
async function lacks(place: string, user: User, wanted: number): Promise<string | undefined> {
  if (user.uid === 0) return undefined;
  const { uid, gid, mode } = await stat(place);
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
  const granted = (mode >> shift) & 0o7;
  if ((granted & wanted) === wanted) return undefined;
  return `${place} is closed to it (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`;
}

const isDirectory = async (place: string): Promise<boolean> =>
  (await stat(place).catch(() => undefined))?.isDirectory() === true;
const isFile = async (place: string): Promise<boolean> =>
  (await stat(place).catch(() => undefined))?.isFile() === true;
const isExecutable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
