import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { packDirectory } from '../../artifacts/pack-directory.ts';
import { storedGzip } from '../../artifacts/stored-gzip.ts';
import { artifactKind, type Packed } from './artifacts.ts';

/**
 * Packs a directory reproducibly, without the application files named by `apart`; an archive is taken as it is.
 * What is temporary goes with the disposal.
 */
export async function pack(path: string, apart: readonly string[]): Promise<Packed> {
  const kind = artifactKind(path);
  if (kind === 'tgz') return packed(path, await digestOf(path), () => Promise.resolve());
  const directory = await mkdtemp(join(tmpdir(), 'slipway-pack-'));
  const file = join(directory, 'artifact.tgz');
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    if (kind === 'directory') return packed(file, await packDirectory(path, file, apart), remove);
    await pipeline(storedGzip(createReadStream(path)), createWriteStream(file, { mode: 0o600 }));
    return packed(file, await digestOf(file), remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

const packed = (
  file: string,
  { digest, size }: { readonly digest: string; readonly size: number },
  dispose: () => Promise<void>,
): Packed => ({ digest, size, open: () => createReadStream(file), [Symbol.asyncDispose]: dispose });

async function digestOf(file: string): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return { digest: `sha256:${hash.digest('hex')}`, size: (await stat(file)).size };
}
