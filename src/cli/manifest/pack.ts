import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { artifactKind, type Packed } from './artifacts.ts';

/** Packs a directory, or takes an archive as it is; what is temporary goes with the disposal. */
export async function pack(path: string): Promise<Packed> {
  const kind = artifactKind(path);
  if (kind === 'tgz') return await archive(path, () => Promise.resolve());
  const directory = await mkdtemp(join(tmpdir(), 'slipway-pack-'));
  const file = join(directory, 'artifact.tgz');
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    if (kind === 'directory') {
      const { create } = await import('tar');
      await create({ gzip: true, portable: true, mtime: new Date(0), cwd: path, file }, ['.']);
    } else {
      const { createWriteStream } = await import('node:fs');
      await pipeline(createReadStream(path), createGzip(), createWriteStream(file));
    }
    return await archive(file, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

async function archive(file: string, dispose: () => Promise<void>): Promise<Packed> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  const { size } = await stat(file);
  return {
    digest: `sha256:${hash.digest('hex')}`,
    size,
    open: () => createReadStream(file),
    [Symbol.asyncDispose]: dispose,
  };
}
