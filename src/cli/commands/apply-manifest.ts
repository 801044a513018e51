import { isDeepStrictEqual } from 'node:util';
import type { ApiObject, Stored } from '../../api/meta.ts';
import { isSlipwayError, SlipwayError } from '../../lib/errors.ts';
import type { Connection } from '../context.ts';
import type { LoadedManifest } from '../manifest/load.ts';

export type ApplyResult = 'created' | 'configured' | 'unchanged';

/** How often a change that somebody else makes at the same moment is worked into ours before we give up. */
const TRIES = 3;

/** The object that a file asks for, in the namespace of the command line. */
export function wantedObject({ object, kind }: LoadedManifest, { namespace }: Connection): ApiObject {
  const { metadata } = object;
  if (kind.namespaced && metadata.namespace !== undefined && metadata.namespace !== namespace) {
    throw new SlipwayError(
      'invalid',
      `${kind.kind} ${metadata.name} says namespace ${metadata.namespace}, and the command says ${namespace}.`,
      {
        next: `slipway apply -n ${metadata.namespace} …, or leave the namespace out of the file.`,
      },
    );
  }
  const { labels, annotations, name } = metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: {
      name,
      ...(kind.namespaced ? { namespace } : {}),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: object.spec,
  };
}

/** What stands after the file was applied to `stored`: its spec, and its labels beside those of others. */
export function merged(stored: Stored, wanted: ApiObject): Stored {
  const { labels, annotations } = wanted.metadata;
  return {
    ...stored,
    metadata: {
      ...stored.metadata,
      ...(labels === undefined ? {} : { labels: { ...stored.metadata.labels, ...labels } }),
      ...(annotations === undefined
        ? {}
        : { annotations: { ...stored.metadata.annotations, ...annotations } }),
    },
    spec: wanted.spec,
  };
}

/** Creates the object or changes it to what is wanted; somebody else's change in between is read again. */
export async function applyObject(
  { api }: Connection,
  wanted: ApiObject,
  options: { readonly dryRun: boolean },
): Promise<{ result: ApplyResult; object: Stored }> {
  for (let attempt = 1; ; attempt += 1) {
    const stored = await api.find<ApiObject>(wanted.kind, wanted.metadata.name);
    try {
      if (stored === undefined) return { result: 'created', object: await api.create(wanted, options) };
      const object = await api.replace<ApiObject>(merged(stored, wanted), options);
      return { result: sameObject(stored, object) ? 'unchanged' : 'configured', object: object as Stored };
    } catch (error) {
      const raced = isSlipwayError(error, 'conflict') || isSlipwayError(error, 'alreadyExists');
      if (!raced || attempt === TRIES) throw error;
    }
  }
}

/** The server fills in defaults, so what it answers is compared, not what was sent. */
function sameObject(before: Stored, after: Stored): boolean {
  return (
    isDeepStrictEqual(before.spec, after.spec) &&
    isDeepStrictEqual(before.metadata.labels, after.metadata.labels) &&
    isDeepStrictEqual(before.metadata.annotations, after.metadata.annotations)
  );
}
