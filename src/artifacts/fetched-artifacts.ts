import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../lib/clock.ts';
import { isSlipwayError, SlipwayError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { unpackArchive } from './unpack-archive.ts';

export interface FetchedArtifactsOptions {
  /** Each artifact becomes `ROOT/HEX/`. */
  readonly root: string;
  /** Content by digest, from the manager. Rejects with `notFound` where there is none. */
  readonly fetch: (digest: string) => Promise<Readable>;
  readonly random: Random;
  readonly clock: Clock;
}

/**
 * The agent's side of artifacts: fetched once by digest, the digest checked over every byte, unpacked beside
 * and renamed, so that a directory under its name is whole. Several instances that ask at once share one
 * fetch; a failed one is forgotten and tried again by the next. What nobody names any more is removed by
 * renaming it away first, so that a crash leaves it whole or not there.
 */
export class FetchedArtifacts {
  readonly #options: FetchedArtifactsOptions;
  /** Fetches under way, by hex. */
  readonly #under = new Map<string, Promise<string>>();
  /** Removals that have not taken the name away yet, by hex. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** When each was last asked for or named, in monotonic ms. */
  readonly #usedAt = new Map<string, number>();
  readonly #startedAt: number;
  /** One collection at a time. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: FetchedArtifactsOptions) {
    this.#options = options;
    this.#startedAt = options.clock.monotonic();
  }

  /** The directory with the unpacked content. */
  async get(digest: string): Promise<string> {
    const hex = hexOf(digest);
    if (hex === undefined) throw new SlipwayError('invalid', `"${digest}" is no digest`);
    this.#usedAt.set(hex, this.#options.clock.monotonic());
    return await (this.#under.get(hex) ?? this.#alone(hex, () => this.#fetch(digest, hex)));
  }

  /**
   * Removes what nobody has named or asked for over the last `afterMs`, or since this process started.
   *
   * @param named digests in use; asked again right before each removal
   */
  collect(named: () => ReadonlySet<string>, afterMs: number): Promise<void> {
    const collected = this.#turn.then(() => this.#collect(named, afterMs));
    this.#turn = collected.catch(() => undefined);
    return collected;
  }

  async #collect(named: () => ReadonlySet<string>, afterMs: number): Promise<void> {
    const { root, clock } = this.#options;
    const now = clock.monotonic();
    for (const digest of named()) {
      const hex = hexOf(digest);
      if (hex !== undefined) this.#usedAt.set(hex, now);
    }
    const old = now - afterMs;
    if (this.#startedAt > old) return;
    for (const name of await readdir(root).catch(noneIfMissing)) {
      if (!/^[0-9a-f]{64}$/.test(name)) {
        await this.#removeLeftover(name, afterMs);
        continue;
      }
      const isOld = (this.#usedAt.get(name) ?? this.#startedAt) <= old;
      if (!isOld || this.#under.has(name) || named().has(`sha256:${name}`)) continue;
      await this.#remove(name);
    }
  }

  /** Whoever asks for it meanwhile waits, and has it fetched anew. */
  async #remove(hex: string): Promise<void> {
    const { root, random } = this.#options;
    const gone = join(root, `.gone-${random.suffix(10)}`);
    const leaving = rename(join(root, hex), gone).finally(() => this.#leaving.delete(hex));
    this.#leaving.set(hex, leaving);
    await leaving;
    await rm(gone, { recursive: true, force: true });
  }

  /** Halves of fetches and removals that a former life began. */
  async #removeLeftover(name: string, afterMs: number): Promise<void> {
    const { root, clock } = this.#options;
    const place = join(root, name);
    const changedAt = (await stat(place).catch(() => undefined))?.mtimeMs;
    if (changedAt === undefined || clock.now() - changedAt < afterMs) return;
    await rm(place, { recursive: true, force: true });
  }

  #alone(hex: string, work: () => Promise<string>): Promise<string> {
    const started = work().finally(() => this.#under.delete(hex));
    this.#under.set(hex, started);
    return started;
  }

  async #fetch(digest: string, hex: string): Promise<string> {
    const { root, fetch, random } = this.#options;
    const place = join(root, hex);
    // Whether the name could be taken away or not, what is there afterwards is whole.
    await this.#leaving.get(hex)?.catch(() => undefined);
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
  }
}

const hexOf = (digest: string): string | undefined => /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
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
