import { createReadStream } from 'node:fs';
import { readdir, readlink, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type ReadEntry, Unpack } from 'tar';
import { SlipwayError } from '../lib/errors.ts';

export interface UnpackLimits {
  /** Sum of the files' sizes. */
  readonly bytes: number;
  readonly entries: number;
}

export const DEFAULT_UNPACK_LIMITS: UnpackLimits = { bytes: 8 * 1024 ** 3, entries: 500_000 };

const FILES: ReadonlySet<string> = new Set(['File', 'OldFile', 'ContiguousFile']);

/**
 * Unpacks an archive that somebody else made into an empty directory: nothing lands outside of it, links lead
 * only inside it, devices and the like are refused, owners and special bits are dropped, and a small archive
 * cannot fill the disk. Rejects with `invalid` on the first entry that breaks a rule; what was written until
 * then is the caller's to remove.
 */
export async function unpack(archive: string, root: string, limits = DEFAULT_UNPACK_LIMITS): Promise<void> {
  let bytes = 0;
  let entries = 0;
  const unpacker = new Unpack({
    cwd: root,
    strict: true,
    preserveOwner: false,
    noMtime: true,
    umask: 0o022,
    dmode: 0o755,
    fmode: 0o644,
    filter: (path, entry) => {
      const found = entry as ReadEntry;
      entries += 1;
      bytes += found.size ?? 0;
      if (entries > limits.entries) throw refusal(`more than ${limits.entries} entries`);
      if (bytes > limits.bytes) throw refusal(`more than ${limits.bytes} bytes when unpacked`);
      const problem = problemOf(path, found);
      if (problem !== undefined) throw refusal(problem);
      found.mode = ((found.mode ?? 0o644) & 0o755) | (found.type === 'Directory' ? 0o755 : 0o444);
      return true;
    },
  });
  try {
    await pipeline(createReadStream(archive), unpacker as unknown as NodeJS.WritableStream);
  } catch (error) {
    throw error instanceof SlipwayError ? error : readable(error);
  }
  await checkLinks(root, await realpath(root));
}

/** What is wrong with an entry by its own words; undefined when nothing is. */
export function problemOf(path: string, entry: Pick<ReadEntry, 'type' | 'linkpath'>): string | undefined {
  if (isAbsolute(path) || path.includes('\0') || /^[A-Za-z]:/.test(path))
    return `"${path}" is an absolute path`;
  if (path.split(/[\\/]/).includes('..')) return `"${path}" leads out of the archive`;
  if (entry.type === 'Directory' || FILES.has(entry.type)) return undefined;
  if (entry.type !== 'SymbolicLink' && entry.type !== 'Link') return `"${path}" is a ${entry.type}`;
  const target = entry.linkpath ?? '';
  // A hard link's target counts from the root of the archive, a symbolic link's from where it stands.
  const from = entry.type === 'Link' ? '' : dirname(path);
  const led = relative('/root', resolve('/root', from, target));
  if (isAbsolute(target) || led === '..' || led.startsWith('../')) {
    return `link "${path}" leads out of the archive, to "${target}"`;
  }
  return undefined;
}

/**
 * Links through links: each may look harmless by its words and lead out all the same. What was unpacked is
 * asked instead, before anybody uses it.
 */
async function checkLinks(directory: string, root: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await checkLinks(path, root);
    if (!entry.isSymbolicLink()) continue;
    const real = await realpath(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw refusal(`link "${relative(root, path)}" cannot be followed: ${error.message}`);
    });
    // One that leads nowhere is judged by its words, as before.
    if (real === undefined || real === root || real.startsWith(`${root}/`)) continue;
    throw refusal(`link "${relative(root, path)}" leads out of the archive, to "${await readlink(path)}"`);
  }
}

const refusal = (why: string): SlipwayError =>
  new SlipwayError('invalid', `the archive is refused: ${why}`, {
    next: 'pack it again without that, or let Slipway pack the directory',
  });

function readable(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  // The disk's own troubles are not the archive's fault.
  if (code !== undefined && /^E[A-Z]+$/.test(code)) return error;
  return new SlipwayError('invalid', `the archive cannot be unpacked: ${message}`, { cause: error });
}
