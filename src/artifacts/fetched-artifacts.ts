import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isSlipwayError, SlipwayError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { unpackArchive } from './unpack-archive.ts';

export interface FetchedArtifactsOptions {
  /** Each artifact becomes `ROOT/HEX/`. */
  readonly root: string;
  /** Content by digest, from the manager. Rejects with `notFound` where there is none. */
  readonly fetch: (digest: string) => Promise<Readable>;
  readonly random: Random;
}

/**
 * The agent's side of artifacts: fetched once by digest, the digest checked over every byte, unpacked beside
 * and renamed, so that a directory under its name is whole. Several instances that ask at once share one
 * fetch; a failed one is forgotten and tried again by the next.
 */
export function fetchedArtifacts(options: FetchedArtifactsOptions): (digest: string) => Promise<string> {
  const { root, fetch, random } = options;
  const under = new Map<string, Promise<string>>();

  const get = async (digest: string): Promise<string> => {
    const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
    if (hex === undefined) throw new SlipwayError('invalid', `"${digest}" is no digest`);
    const place = join(root, hex);
    if (await isThere(place)) return place;
    await mkdir(root, { recursive: true, mode: 0o711 });
    await chmod(root, 0o711);
    const work = join(root, `.incoming-${random.suffix(10)}`);
    try {
      await mkdir(work, { mode: 0o700 });
      const archive = join(work, 'archive');
      await download(await fetch(digest), archive, digest);
      await unpackArchive(createReadStream(archive), place).catch((error: unknown) => {
        // A predecessor of this process may have been at it, and have finished first.
        if (!isSlipwayError(error, 'alreadyExists')) throw error;
      });
      return place;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  };

  return (digest) => {
    const running = under.get(digest);
    if (running !== undefined) return running;
    const started = get(digest).finally(() => under.delete(digest));
    under.set(digest, started);
    return started;
  };
}

async function download(content: Readable, file: string, digest: string): Promise<void> {
  const hash = createHash('sha256');
  content.on('data', (chunk: Buffer) => hash.update(chunk));
  await pipeline(content, createWriteStream(file, { mode: 0o600 }));
  const found = `sha256:${hash.digest('hex')}`;
  if (found === digest) return;
  throw new SlipwayError('unavailable', `what came for ${digest} has digest ${found}`, {
    next: 'it is fetched again; if it stays so, upload the artifact anew',
  });
}

const isThere = (place: string): Promise<boolean> =>
  stat(place).then(
    (found) => found.isDirectory(),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
