import { constants } from 'node:fs';
import { chmod, link, mkdir, mkdtemp, open, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, SlipwayError } from '../lib/errors.ts';
import { whyLinkLeadsOut } from './links.ts';
import { foldedName } from './names.ts';
import { type ArchiveEntry, type ArchiveLimits, readArchive } from './read-archive.ts';
import { malformed } from './tar-format.ts';

export interface UnpackOptions extends Partial<ArchiveLimits> {
  /**
   * Whether the files are synced before the directory gets its name, so that a power cut leaves none that is
   * empty or cut (default true).
   */
  readonly durable?: boolean;
}

export const UNPACK_LIMITS: ArchiveLimits = { maxBytes: 8 * 1024 ** 3, maxEntries: 500_000 };

/**
 * Unpacks an archive that somebody else made. The directory appears whole under its name or not at all;
 * `alreadyExists` where it is there already. Nothing is written outside of it, whatever the archive says:
 *
 * - names are relative, without `..`, at most once each, also where a file system ignores case;
 * - it is all unpacked in a new directory, and symbolic links are made last, when nothing is written any
 *   more: no write can go through one. They lead only inside (links.ts);
 * - hard links lead only to files of the archive; devices and pipes are refused;
 * - owners, times and special bits are dropped: files get 0644 or 0755;
 * - bytes and entries are bounded.
 *
 * Rejects with `invalid` or `tooLarge` for the archive's fault, `unavailable` where the disk is full.
 */
export async function unpackArchive(
  content: AsyncIterable<Uint8Array>,
  directory: string,
  options: UnpackOptions = {},
): Promise<{ readonly entries: number; readonly bytes: number }> {
  const target = resolve(directory);
  const work = await mkdtemp(join(dirname(target), `.${basename(target)}.unpacking-`));
  try {
    const tree = new Tree(work, options.durable ?? true);
    const limits = { ...UNPACK_LIMITS, ...options };
    for await (const entry of readArchive(content, limits)) await tree.add(entry);
    await tree.finish();
    await chmod(work, 0o755);
    await rename(work, target);
    if (options.durable ?? true) await syncDirectory(dirname(target));
    return { entries: tree.entries, bytes: tree.bytes };
  } catch (error) {
    throw inWords(error, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The directory that is being made, and what is in it. */
class Tree {
  entries = 0;
  bytes = 0;
  readonly #root: string;
  readonly #durable: boolean;
  /** By folded path. */
  readonly #known = new Map<string, { readonly path: string; readonly type: ArchiveEntry['type'] }>();
  readonly #links = new Map<string, string>();

  constructor(root: string, durable: boolean) {
    this.#root = root;
    this.#durable = durable;
  }

  async add(entry: ArchiveEntry): Promise<void> {
    this.entries += 1;
    const path = safePath(entry.path);
    if (path === '') {
      if (entry.type === 'directory') return;
      throw malformed(`${JSON.stringify(entry.path)} is no name for a ${entry.type}`);
    }
    await this.#makeParents(path);
    if (!this.#claim(path, entry.type)) return;
    switch (entry.type) {
      case 'directory':
        await mkdir(join(this.#root, path), { mode: 0o755 });
        await chmod(join(this.#root, path), 0o755);
        return;
      case 'symlink':
        this.#links.set(path, requireTarget(path, entry.target));
        return;
      case 'hardlink':
        await this.#linkTo(path, safePath(entry.target));
        return;
      case 'file':
        await this.#write(path, entry);
    }
  }

  async finish(): Promise<void> {
    for (const path of this.#links.keys()) {
      const why = whyLinkLeadsOut(path, this.#links);
      if (why !== undefined) throw malformed(`the link ${path}: ${why}`);
    }
    for (const [path, target] of this.#links) await symlink(target, join(this.#root, path));
    if (!this.#durable) return;
    for (const { path, type } of this.#known.values()) {
      if (type === 'directory') await syncDirectory(join(this.#root, path));
    }
    await syncDirectory(this.#root);
  }

  async #makeParents(path: string): Promise<void> {
    const names = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= names.length; depth++) {
      const parent = names.slice(0, depth).join('/');
      if (!this.#claim(parent, 'directory')) continue;
      await mkdir(join(this.#root, parent), { mode: 0o755 });
      await chmod(join(this.#root, parent), 0o755);
    }
  }

  /** False where it is a directory that is there already; anything else that is there is a double. */
  #claim(path: string, type: ArchiveEntry['type']): boolean {
    const known = this.#known.get(foldedName(path));
    if (known === undefined) {
      this.#known.set(foldedName(path), { path, type });
      return true;
    }
    if (known.type === 'directory' && type === 'directory' && known.path === path) return false;
    const double = known.path === path ? 'is there twice' : `differs from ${known.path} in case alone`;
    throw malformed(`${path} ${double}`);
  }

  async #linkTo(path: string, target: string): Promise<void> {
    const known = this.#known.get(foldedName(target));
    if (known?.path !== target || known.type !== 'file') {
      throw malformed(`the hard link ${path} leads to ${target}, which is no file that comes before it`);
    }
    await link(join(this.#root, target), join(this.#root, path));
  }

  async #write(path: string, entry: ArchiveEntry): Promise<void> {
    const mode = (entry.mode & 0o111) === 0 ? 0o644 : 0o755;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const handle = await open(join(this.#root, path), flags, mode);
    try {
      for await (const chunk of entry.content()) {
        for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
      }
      // The mode of `open` is cut by the umask.
      await handle.chmod(mode);
      if (this.#durable) await handle.datasync();
    } finally {
      await handle.close();
    }
    this.bytes += entry.size;
  }
}

/** The path from the root, as `a/b`; '' for the root itself. Throws `invalid` for one that could lead out. */
function safePath(path: string): string {
  const shown = JSON.stringify(path);
  if (path === '') throw malformed('an entry has no name');
  if (path.includes('\0')) throw malformed(`${shown} is no name`);
  if (path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path)) throw malformed(`${shown} is an absolute path`);
  if (path.split(/[\\/]/).includes('..')) throw malformed(`${shown} leads out of the archive`);
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.some((name) => Buffer.byteLength(name) > 255))
    throw malformed(`${shown} has a name of over 255 bytes`);
  if (Buffer.byteLength(path) > 4_000) throw malformed('an entry has a path of over 4,000 bytes');
  return names.join('/');
}

function requireTarget(path: string, target: string): string {
  if (target === '' || target.includes('\0') || Buffer.byteLength(target) > 4_000) {
    throw malformed(`the link ${path} leads nowhere`);
  }
  return target;
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function inWords(error: unknown, target: string): unknown {
  if (error instanceof SlipwayError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new SlipwayError('unavailable', `the disk is full: ${target} could not be unpacked`, {
      next: `make room on the disk of ${dirname(target)}, then try again`,
      cause: error,
    });
  }
  if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') {
    return new SlipwayError('alreadyExists', `${target} is there already`, { cause: error });
  }
  if (code === undefined || !/^E[A-Z]+$/.test(code)) return error;
  return new SlipwayError('unavailable', `${target} could not be unpacked: ${messageOf(error)}`, {
    cause: error,
  });
}
