import { type ApplicationSpec, CHANGED_BY_ANNOTATION } from '../api/application.ts';
import type { Environment, EnvironmentSpec, Template } from '../api/environment.ts';
import { EnvironmentSpec as EnvironmentSchema, TemplateSpec } from '../api/environment.ts';
import type { ApiObject, Stored } from '../api/meta.ts';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { artifactDigest, isPinned } from '../engine/application/revision.ts';
import { validateApplication } from '../engine/application/validate.ts';
import { canonicalJson } from '../lib/digest.ts';
import type { ErrorDetail } from '../lib/errors.ts';
import { isObject } from '../lib/merge-patch.ts';
import type { Store } from '../store/store.ts';
import type { KindHooks } from './kind-hooks.ts';
import { newRoutesTaken } from './route-owners.ts';

/** Keeps a deleted Application until the controller has drained and removed what runs. */
export const DRAIN_FINALIZER = 'slipway.dev/drain';

export const applicationHooks: KindHooks = {
  prepare(written, { stored, call }) {
    const object = signed(written, stored, call.identity.name);
    if (stored !== undefined) return object;
    const others = (object.metadata.finalizers ?? []).filter((name) => name !== DRAIN_FINALIZER);
    return { ...object, metadata: { ...object.metadata, finalizers: [...others, DRAIN_FINALIZER] } };
  },
  async admit(object, { call, deps, stored }) {
    const { name } = object.metadata;
    const problems = await applicationProblems(name, object.spec, call.namespace, deps.store);
    if (problems.length === 0) {
      const { spec } = object;
      const written = { spec, before: stored?.spec, namespace: call.namespace ?? '', name };
      problems.push(...(await newRoutesTaken(deps.store, written)));
    }
    // A dry run comes before the upload.
    if (problems.length > 0 || call.query.dryRun === 'All') return problems;
    return await missingArtifacts(object.spec, stored?.spec, deps.artifacts);
  },
};

/** Artifacts that are named and were never uploaded: a release could only fail at them. */
async function missingArtifacts(
  spec: unknown,
  before: unknown,
  artifacts: Pick<ArtifactStore, 'has'>,
): Promise<ErrorDetail[]> {
  const known = new Set([...artifactsIn(before, 'spec')].map(({ digest }) => digest));
  const problems: ErrorDetail[] = [];
  for (const { path, digest } of artifactsIn(spec, 'spec')) {
    // What stood there before may have come without its artifacts, from a backup: other changes go on.
    if (known.has(digest) || (await artifacts.has(digest))) continue;
    problems.push({
      path,
      message: `artifact ${digest} is not here; upload it with: slipway release --artifact DIRECTORY, or slipway apply of a file that names the directory`,
    });
  }
  return problems;
}

function* artifactsIn(value: unknown, path: string): Iterable<{ path: string; digest: string }> {
  if (!isObject(value)) return;
  for (const [key, item] of Object.entries(value)) {
    if (key === 'artifact' && typeof item === 'string' && isPinned(item))
      yield { path: `${path}.${key}`, digest: artifactDigest(item) };
    else yield* artifactsIn(item, `${path}.${key}`);
  }
}

/** With the name of who changed the spec, whatever was written there. */
function signed(object: ApiObject, stored: Stored | undefined, caller: string): ApiObject {
  const { [CHANGED_BY_ANNOTATION]: _written, ...annotations } = object.metadata.annotations ?? {};
  const same = stored !== undefined && canonicalJson(stored.spec) === canonicalJson(object.spec);
  const by = same ? stored.metadata.annotations?.[CHANGED_BY_ANNOTATION] : caller;
  const all = { ...annotations, ...(by === undefined ? {} : { [CHANGED_BY_ANNOTATION]: by }) };
  const { annotations: _all, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: Object.keys(all).length === 0 ? metadata : { ...metadata, annotations: all },
  };
}

/** What the environments and templates that exist make impossible (engine/application). */
export async function applicationProblems(
  name: string,
  spec: unknown,
  namespace: string | undefined,
  store: Store,
): Promise<ErrorDetail[]> {
  const { items } = await store.list<Environment>('Environment', { namespace });
  const environments: Record<string, EnvironmentSpec> = {};
  for (const { metadata, spec: stored } of items) {
    const parsed = EnvironmentSchema.safeParse(stored);
    if (!parsed.success) return [unreadable('spec.environments', `environment ${metadata.name}`)];
    environments[metadata.name] = parsed.data;
  }
  const wanted = (spec as Partial<ApplicationSpec> | undefined)?.template?.name;
  const template =
    wanted === undefined
      ? undefined
      : await store.get<Template>({ kind: 'Template', namespace, name: wanted });
  if (wanted !== undefined && template === undefined) {
    return [{ path: 'spec.template.name', message: `there is no template ${wanted} in this namespace` }];
  }
  const parsed = template === undefined ? undefined : TemplateSpec.safeParse(template.spec);
  if (parsed?.success === false) return [unreadable('spec.template.name', `template ${wanted}`)];
  return validateApplication(spec, { name, environments, template: parsed?.data, requirePinned: true });
}

/** Written by a newer program, which knows fields that this one cannot judge. */
const unreadable = (path: string, what: string): ErrorDetail => ({
  path,
  message: `${what} has fields that this version does not know, so the application cannot be checked against it`,
});
