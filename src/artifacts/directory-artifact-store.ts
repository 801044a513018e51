import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SlipwayError } from '../lib/errors.ts';
import type { ArtifactStore } from './artifact-store.ts';

const PREFIX = 'sha256:';
const NAME = /^[0-9a-f]{64}$/;

/**
 * Artifacts as files `ROOT/sha256/HEX`. A file under its name is whole: it is written beside, synced, and
 * renamed once its digest is known. Errors keep Node's `code` (ENOSPC, EACCES, …) as their cause.
 */
export function directoryArtifactStore(options: { readonly root: string }): ArtifactStore {
  const directory = join(options.root, 'sha256');
  const incoming = join(options.root, 'incoming');
  const pathOf = (digest: string): string => {
    const hex = digest.slice(PREFIX.length);
    // A digest names a file: nothing but hex digits may get there.
    if (!digest.startsWith(PREFIX) || !NAME.test(hex)) {
      throw new SlipwayError('badRequest', 'a digest is sha256: and 64 hex digits in lower case');
    }
    return join(directory, hex);
  };

  // What a killed process was receiving is nobody's: one process at a time has the directory.
  let prepared: Promise<void> | undefined;
  const prepare = async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { mode: 0o700 });
  };

  return {
    async put(content, { maxBytes, expectedDigest }) {
      prepared ??= prepare().catch((error: unknown) => {
        prepared = undefined;
        throw error;
      });
      await prepared;
      const temporary = join(incoming, randomUUID());
      try {
        const { digest, size } = await receive(temporary, content, maxBytes);
        if (expectedDigest !== undefined && digest !== expectedDigest) {
          throw new SlipwayError('badRequest', `the content has digest ${digest}, not ${expectedDigest}`, {
            next: 'upload it again: it was changed on the way, or while it was read',
          });
        }
        const existed = await refresh(pathOf(digest));
        if (!existed) {
          await rename(temporary, pathOf(digest));
          await sync(directory);
        }
        return { digest, size, existed };
      } catch (error) {
        throw outOfSpace(error) ?? error;
      } finally {
        await rm(temporary, { force: true });
      }
    },
    async open(digest) {
      const path = pathOf(digest);
      const size = await sizeOf(path);
      return size === undefined ? undefined : { size, content: createReadStream(path) };
    },
    // Who asks is about to name it: it counts as stored now, so that retention lets it be.
    has: async (digest) => refresh(pathOf(digest)),
    async list() {
      const names = await readdir(directory).catch(nothingThere);
      const found = await Promise.all(
        names
          .filter((name) => NAME.test(name))
          .map(async (name) => {
            const at = await stat(join(directory, name));
            return { digest: `${PREFIX}${name}`, size: at.size, storedAt: Math.round(at.mtimeMs) };
          }),
      );
      return found.sort((a, b) => a.storedAt - b.storedAt);
    },
    remove: (digest) => rm(pathOf(digest), { force: true }),
  };
}

async function receive(
  file: string,
  content: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(file, 'wx', 0o600);
  try {
    for await (const chunk of content) {
      size += chunk.byteLength;
      if (size > maxBytes) {
        throw new SlipwayError('tooLarge', `the artifact is larger than ${maxBytes} bytes`, {
          next: 'leave out what the application does not need at run time',
        });
      }
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { digest: PREFIX + hash.digest('hex'), size };
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes it as young as if it were stored now; false where it is not there. */
async function refresh(path: string): Promise<boolean> {
  try {
    const now = new Date();
    await utimes(path, now, now);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function nothingThere(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

function outOfSpace(cause: unknown): SlipwayError | undefined {
  const { code, path } = cause as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return undefined;
  return new SlipwayError('unavailable', 'the disk that holds the artifacts is full', {
    next: `df -h ${path === undefined ? '.' : dirname(path)}, make room, then try again`,
    cause,
  });
}
