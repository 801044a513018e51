import type { ApiObject, Stored } from '../api/meta.ts';
import { canonicalJson } from '../lib/digest.ts';
import { isObject } from '../lib/merge-patch.ts';
import type { SecretSealer } from './dependencies.ts';
import type { KindHooks } from './kind-hooks.ts';

/**
 * Secrets are write-only: what comes in is sealed before it is stored, and an answer shows names with a short
 * salted digest each (`status.keys`), never a value and never the sealed text.
 */
export const secretHooks: KindHooks = {
  quiet: true,
  writable(stored, deps) {
    return { ...stored, spec: { data: openSealed(stored, deps.secrets) } };
  },
  prepare(object, { stored, deps }) {
    const data = dataOf(object);
    // A replacement without `data` keeps the values: whoever read the object could not send them back.
    if (data === undefined && stored !== undefined) {
      return { ...withoutCopies(object), spec: stored.spec };
    }
    const wanted = data ?? {};
    const same =
      stored !== undefined && canonicalJson(openSealed(stored, deps.secrets)) === canonicalJson(wanted);
    return {
      ...withoutCopies(object),
      spec: same ? stored.spec : { sealed: deps.secrets.seal(wanted) },
      status: { keys: deps.secrets.digests(wanted) },
    };
  },
  present(stored) {
    return { ...withoutCopies(stored as ApiObject), spec: {} } as Stored;
  },
};

/** The values of a stored Secret. */
export function openSealed(stored: Stored, secrets: SecretSealer): Record<string, string> {
  const { sealed } = isObject(stored.spec) ? stored.spec : {};
  return sealed === undefined ? {} : secrets.open(sealed);
}

const dataOf = (object: ApiObject): Record<string, string> | undefined =>
  isObject(object.spec) ? (object.spec.data as Record<string, string> | undefined) : undefined;

/** kubectl apply keeps a copy of what it sent, values included, in an annotation. */
function withoutCopies(object: ApiObject): ApiObject {
  const { annotations, ...metadata } = object.metadata;
  if (annotations === undefined) return object;
  const kept = Object.entries(annotations).filter(([name]) => !name.endsWith('/last-applied-configuration'));
  return {
    ...object,
    metadata: { ...metadata, ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }) },
  };
}
