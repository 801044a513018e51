import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { SlipwayError } from '../../lib/errors.ts';
import type { ApiClient } from '../../server/api-client.ts';

/** A directory or archive, packed: the same files always give the same digest. */
export interface Packed extends AsyncDisposable {
  readonly digest: string;
  /** Bytes to upload. */
  readonly size: number;
  open(): Readable;
}

/** What an `artifact:` of a file became. */
export interface PinnedArtifact {
  /** `shop@sha256:…` */
  readonly artifact: string;
  /** Where it came from, for people: the directory's name. */
  readonly source: string;
  readonly size: number;
  /** False where the manager had this content already. */
  readonly uploaded: boolean;
}

export const PINNED = /^[^@\s]+@sha256:[0-9a-f]{64}$/;

export interface PinOptions {
  readonly api: ApiClient;
  readonly pack: (path: string, apart: readonly string[]) => Promise<Packed>;
  /** Application files that are no part of the artifact, where it is a directory around them. */
  readonly apart?: readonly string[];
  /** What relative paths start from. */
  readonly directory: string;
  /** With false the digest is computed and nothing is uploaded: plan and diff change nothing. */
  readonly upload: boolean;
  readonly progress?: (message: string) => void;
}

/** Packs what a path names, uploads it where the manager lacks it, and names it by digest. */
export async function pinArtifact(
  name: string,
  written: string,
  options: PinOptions,
): Promise<PinnedArtifact> {
  const path = resolve(options.directory, written);
  if (!existsSync(path)) {
    throw new SlipwayError('invalid', `The artifact ${written} of ${name} does not exist (${path}).`, {
      next:
        options.apart === undefined
          ? 'Build it first, or name the directory that is built; --artifact is relative to where you are.'
          : 'Build it first, or mend "artifact:"; it is relative to the file that names it.',
    });
  }
  await using packed = await options.pack(path, options.apart ?? []);
  const { digest, size } = packed;
  const pinned = { artifact: `${name}@${digest}`, source: basename(path), size };
  if (!options.upload || (await options.api.hasArtifact(digest))) return { ...pinned, uploaded: false };
  options.progress?.(`uploading ${basename(path)}`);
  await options.api.upload(digest, packed.open(), size);
  return { ...pinned, uploaded: true };
}

type Node = Record<string, unknown>;
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every place of an Application's spec where an artifact may stand, with the workload that it belongs to. */
export function* artifactPlaces(
  name: string,
  spec: unknown,
): Generator<{ readonly workload: string; readonly at: Node }> {
  if (!isNode(spec)) return;
  if (isNode(spec.workload)) yield { workload: name, at: spec.workload };
  for (const [workload, at] of Object.entries(isNode(spec.workloads) ? spec.workloads : {})) {
    if (isNode(at)) yield { workload, at };
  }
  for (const override of Object.values(isNode(spec.environments) ? spec.environments : {})) {
    yield* artifactPlaces(name, override);
  }
}

/** The spec with each directory and archive replaced by its digest; the argument stays as it is. */
export async function pinSpec<T>(
  name: string,
  spec: T,
  options: PinOptions,
): Promise<{ spec: T; pinned: readonly PinnedArtifact[] }> {
  const copy = structuredClone(spec);
  const pinned: PinnedArtifact[] = [];
  // The same directory for several workloads is packed once.
  const known = new Map<string, PinnedArtifact>();
  for (const { workload, at } of artifactPlaces(name, copy)) {
    const written = at.artifact;
    if (typeof written !== 'string' || PINNED.test(written)) continue;
    const found = known.get(written) ?? (await pinArtifact(workload, written, options));
    if (!known.has(written)) pinned.push(found);
    known.set(written, found);
    at.artifact = `${workload}@${found.artifact.split('@')[1]}`;
  }
  return { spec: copy, pinned };
}

/** Refuses what is neither a directory nor an archive that can be unpacked. */
export function artifactKind(path: string): 'directory' | 'tar' | 'tgz' {
  if (statSync(path).isDirectory()) return 'directory';
  if (/\.(tgz|tar\.gz)$/i.test(path)) return 'tgz';
  if (/\.tar$/i.test(path)) return 'tar';
  throw new SlipwayError('invalid', `${path} is no artifact.`, {
    next: 'Allowed: a directory, .tar, .tgz or .tar.gz, or NAME@sha256:….',
  });
}
