import type { ApiObject, Stored } from '../api/meta.ts';
import { canonicalJson } from '../lib/digest.ts';
import { SlipwayError } from '../lib/errors.ts';
import { isObject } from '../lib/merge-patch.ts';
import type { SecretSealer, ServerDependencies } from './dependencies.ts';
import type { KindHooks } from './kind-hooks.ts';
import type { Call } from './route.ts';
import { losers } from './secret-uses.ts';

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
  /** A value that something is started with stays, unless a person says why it goes. */
  async admit(object, { stored, deps, call }) {
    const data = dataOf(object);
    if (stored === undefined || data === undefined) return [];
    const gone = keysOf(stored).filter((key) => !Object.hasOwn(data, key));
    const refusal = await whyKept(stored, gone, deps, call);
    if (refusal !== null) throw new SlipwayError('refused', refusal.message, { next: refusal.next });
    return [];
  },
  refuseRemoval: (stored, deps, call) => whyKept(stored, keysOf(stored), deps, call),
  present(stored) {
    return { ...withoutCopies(stored as ApiObject), spec: {} } as Stored;
  },
};

async function whyKept(
  stored: Stored,
  keys: readonly string[],
  { store }: ServerDependencies,
  call: Call,
): Promise<{ message: string; next: string } | null> {
  const reason = call.query.force?.trim() ?? '';
  if (reason !== '') call.note.why = reason;
  if (keys.length === 0 || reason !== '') return null;
  const uses = await losers(store, stored, keys);
  if (uses.length === 0) return null;
  const { name } = stored.metadata;
  const places = uses.map((use) => `${use.application} in ${use.environment} (${use.keys.join(', ')})`);
  const all = keys.length === keysOf(stored).length ? '' : ` ${keys[0]}`;
  return {
    message: `secret ${name} is in use by ${places.join(', ')}: what starts there later would not come up`,
    next: `take it out of the application and release that; or: slipway secret delete ${name}${all} --force --why REASON`,
  };
}

const keysOf = ({ status }: Stored): string[] =>
  Object.keys(isObject(status) && isObject(status.keys) ? status.keys : {});

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
