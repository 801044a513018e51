import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { SlipwayError } from '../lib/errors.ts';
import { IGNORE_FILE, type IgnoreRules, ignoreRules } from './ignore-rules.ts';
import { whyLinkLeadsOut } from './links.ts';
import { foldedName } from './names.ts';
import { storedGzip } from './stored-gzip.ts';
import { BLOCK, type EntryHeader, encodeHeader, padding } from './tar-format.ts';

/** What was packed: `sha256:` over the archive, its bytes, and how many entries it has. */
export interface PackedDirectory {
  readonly digest: string;
  readonly size: number;
  readonly entries: number;
}

const READ = 262_144;

/** YAML that says it is Slipway's own: an application file, which describes the artifact and is no part of it. */
const APPLICATION_FILE = /^\s*(?:-{3}\s+)?["']?apiVersion["']?\s*:\s*["']?slipway\.dev\//m;
const LARGEST_APPLICATION_FILE = 1_048_576;

/**
 * Packs a directory into an archive file. The same names and contents make the same bytes on every machine:
 * entries are sorted, times and owners are 0, modes are 0755 (directories and what its owner may execute) or
 * 0644, hard links are files of their own. `.slipwayignore` says what is left out; application
 * files beside it, and those named by `apart`, are no part either, since a change of replicas is no new artifact.
 *
 * Refused (`invalid`), since they would not come out whole: sockets, pipes and devices; symbolic links that
 * lead out of the directory; names that are not UTF-8 or differ in case alone; files that change meanwhile.
 */
export async function packDirectory(
  directory: string,
  file: string,
  apart: readonly string[] = [],
): Promise<PackedDirectory> {
  const root = await realpath(directory);
  const entries = await walk(root, await applicationFiles(root, apart));
  requireLinksInside(entries);
  const hash = createHash('sha256');
  let size = 0;
  try {
    const out = await open(file, 'wx', 0o600);
    try {
      for await (const chunk of storedGzip(archive(root, entries))) {
        hash.update(chunk);
        size += chunk.length;
        await writeAll(out, chunk);
      }
    } finally {
      await out.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await rm(file, { force: true });
    throw error;
  }
  return { digest: `sha256:${hash.digest('hex')}`, size, entries: entries.length };
}

async function writeAll(out: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await out.write(chunk, at)).bytesWritten;
}

/** Application files directly in the root, and those of `apart` that are inside it, as paths from the root. */
async function applicationFiles(root: string, apart: readonly string[]): Promise<string[]> {
  const inside = await Promise.all(
    // The file's own place counts, not where it leads as a link.
    apart.map(async (file) => relative(root, join(await realpath(dirname(file)), basename(file)))),
  );
  const named = inside.filter((path) => path !== '..' && !path.startsWith('../'));
  const beside: string[] = [];
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (!entry.isFile() || !/\.ya?ml$/i.test(entry.name)) continue;
    const path = join(root, entry.name);
    if ((await lstat(path)).size > LARGEST_APPLICATION_FILE) continue;
    if (APPLICATION_FILE.test(await readFile(path, 'utf8'))) beside.push(entry.name);
  }
  return [...named, ...beside];
}

async function walk(root: string, apart: readonly string[]): Promise<EntryHeader[]> {
  const text = await readFile(join(root, IGNORE_FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const found: EntryHeader[] = [];
  await walkInto(root, '', ignoreRules(text, apart), found);
  return found;
}

async function walkInto(root: string, at: string, ignored: IgnoreRules, found: EntryHeader[]): Promise<void> {
  const names = await readdir(join(root, at));
  const seen = new Map<string, string>();
  for (const name of names.sort(byBytes)) {
    const path = at === '' ? name : `${at}/${name}`;
    if (name.includes('\ufffd')) {
      // What it is cannot be asked for by a name that was not told exactly.
      if (ignored(path, false)) continue;
      throw refuse(path, 'its name is not UTF-8');
    }
    const state = await lstat(join(root, path));
    if (ignored(path, state.isDirectory())) continue;
    const twin = seen.get(foldedName(name));
    if (twin !== undefined) throw refuse(path, `it differs from ${twin} in case alone`);
    seen.set(foldedName(name), name);
    if (state.isDirectory()) {
      found.push({ path, type: 'directory', mode: 0o755, size: 0, target: '' });
      await walkInto(root, path, ignored, found);
    } else if (state.isSymbolicLink()) {
      found.push({ path, type: 'symlink', mode: 0o777, size: 0, target: await readlink(join(root, path)) });
    } else if (state.isFile()) {
      const mode = (state.mode & 0o100) === 0 ? 0o644 : 0o755;
      found.push({ path, type: 'file', mode, size: state.size, target: '' });
    } else {
      throw refuse(path, 'it is neither a file, a directory nor a link (a socket, a pipe or a device)');
    }
  }
}

function requireLinksInside(entries: readonly EntryHeader[]): void {
  const links = new Map(entries.filter((e) => e.type === 'symlink').map((e) => [e.path, e.target]));
  for (const path of links.keys()) {
    const why = whyLinkLeadsOut(path, links);
    if (why !== undefined) throw refuse(path, why);
  }
}

async function* archive(root: string, entries: readonly EntryHeader[]): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    yield encodeHeader(entry.type === 'directory' ? { ...entry, path: `${entry.path}/` } : entry);
    if (entry.type !== 'file') continue;
    yield* contentOf(join(root, entry.path), entry);
    yield Buffer.alloc(padding(entry.size));
  }
  yield Buffer.alloc(2 * BLOCK);
}

async function* contentOf(path: string, entry: EntryHeader): AsyncGenerator<Uint8Array> {
  const changed = () => refuse(entry.path, 'it changed while it was packed');
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) throw changed();
    for (let left = entry.size; left > 0; ) {
      const buffer = Buffer.allocUnsafe(Math.min(left, READ));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) throw changed();
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    if ((await handle.read(Buffer.alloc(1), 0, 1)).bytesRead !== 0) throw changed();
  } finally {
    await handle.close();
  }
}

/** Order of names by their UTF-8 bytes, which no locale changes. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const refuse = (path: string, why: string): SlipwayError =>
  new SlipwayError('invalid', `${path} cannot be packed: ${why}`, {
    details: [{ path, message: why }],
    next: `leave it out with a line in ${IGNORE_FILE}, or replace it by a file`,
  });
