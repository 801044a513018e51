import type { ApiObject, Stored } from '../../api/meta.ts';
import type { Connection, Context } from '../context.ts';
import { type PinnedArtifact, pinSpec } from '../manifest/artifacts.ts';
import type { LoadedManifest } from '../manifest/load.ts';
import { pack } from '../manifest/pack.ts';
import { warningLines } from '../manifest/warnings.ts';
import { formatBytes } from '../text/words.ts';
import { type ApplyResult, applyObject, wantedObject } from './apply-manifest.ts';

export interface Applied {
  readonly object: Stored;
  readonly result: ApplyResult;
  readonly dryRun: boolean;
}

/** Where an artifact came from, for people: the manager copies it into the revision. */
export const SOURCE_ANNOTATION = 'slipway.dev/source';

/** Order in which kinds are applied, so that what others refer to is there before them. */
const ORDER = ['Cluster', 'Environment', 'Template', 'Secret', 'Artifact'];
const rank = ({ kind }: LoadedManifest): number => {
  const at = ORDER.indexOf(kind.kind);
  return at < 0 ? ORDER.length : at;
};

/** The objects of files as the manager takes them, in the order in which they are applied. */
export async function pinnedObjects(
  context: Context,
  connection: Connection,
  read: readonly LoadedManifest[],
  options: { readonly upload: boolean },
): Promise<ApiObject[]> {
  const objects: ApiObject[] = [];
  for (const manifest of read.toSorted((a, b) => rank(a) - rank(b))) {
    context.note(...warningLines(manifest));
    objects.push(await pinnedObject(context, connection, manifest, options));
  }
  return objects;
}

/** Applies one object after the other; the first refusal ends it. */
export async function applyObjects(
  connection: Connection,
  objects: readonly ApiObject[],
  options: { readonly dryRun: boolean },
): Promise<Applied[]> {
  const applied: Applied[] = [];
  for (const wanted of objects)
    applied.push({ ...(await applyObject(connection, wanted, options)), ...options });
  return applied;
}

/** The object of a file as the manager takes it: artifacts by digest. */
export async function pinnedObject(
  context: Context,
  connection: Connection,
  manifest: LoadedManifest,
  options: { readonly upload: boolean },
): Promise<ApiObject> {
  const wanted = wantedObject(manifest, connection);
  if (wanted.kind !== 'Application') return wanted;
  const { spec, pinned } = await pinSpec(wanted.metadata.name, wanted.spec, {
    api: connection.api,
    pack,
    directory: manifest.directory,
    apart: manifest.files,
    upload: options.upload,
    progress: (message) => context.note(message),
  });
  for (const one of pinned) if (one.uploaded) context.note(uploadedLine(one));
  return withSource({ ...wanted, spec }, pinned);
}

export const uploadedLine = ({ source, size, artifact }: PinnedArtifact): string =>
  `uploaded ${source}, ${formatBytes(size)}, ${artifact.replace(/(sha256:.{12}).*/, '$1…')}`;

export function withSource(object: ApiObject, pinned: readonly PinnedArtifact[]): ApiObject {
  if (pinned.length === 0) return object;
  const source = [...new Set(pinned.map((one) => one.source))].join(', ');
  const annotations = { ...object.metadata.annotations, [SOURCE_ANNOTATION]: source };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
