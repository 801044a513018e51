import { type Application, DEFAULT_ENVIRONMENT } from '../api/application.ts';
import {
  type Environment,
  EnvironmentSpec,
  type Secret,
  type Template,
  TemplateSpec,
} from '../api/environment.ts';
import { API_PREFIX } from '../api/kind-names.ts';
import { kindOf } from '../api/kinds.ts';
import type { Stored } from '../api/meta.ts';
import type { Revision, Track } from '../api/revision.ts';
import { resolveApplication } from '../engine/application/resolve.ts';
import { secretKeys } from '../engine/application/secret-keys.ts';
import type { Store } from '../store/store.ts';
import type { ServerDependencies } from './dependencies.ts';
import type { Route } from './route.ts';

/** One application in one environment that is started with values of a secret. */
export interface SecretUse {
  readonly application: string;
  readonly environment: string;
  /** Keys that its file names, and those of revisions that run there. */
  readonly keys: readonly string[];
  /** A new value of these begins a release by itself. */
  readonly automatic: readonly string[];
}

/** Who uses a secret: before a value is set or taken away, people are told whom it concerns. */
export function secretUseRoutes(deps: ServerDependencies): Route[] {
  return [
    {
      method: 'GET',
      url: `${API_PREFIX}/namespaces/:namespace/${kindOf('Secret').plural}/:name/uses`,
      verb: 'get',
      resource: 'secrets/uses',
      kind: 'Secret',
      summary: 'List the applications and environments that use a secret, made or not',
      handle: async ({ namespace = '', name = '' }) => ({
        json: { items: await secretUses(deps.store, namespace, name) },
      }),
    },
  ];
}

/** Also of a secret that is not made yet: an application may wait for it. */
export async function secretUses(store: Store, namespace: string, secret: string): Promise<SecretUse[]> {
  const [applications, environments, templates, tracks] = await Promise.all([
    store.list<Application>('Application', { namespace }),
    store.list<Environment>('Environment', { namespace }),
    store.list<Template>('Template', { namespace }),
    store.list<Track>('Track', { namespace }),
  ]);
  const uses: SecretUse[] = [];
  for (const application of applications.items) {
    const { name } = application.metadata;
    const own = tracks.items.filter(({ spec }) => spec.application === name);
    const named = [DEFAULT_ENVIRONMENT, ...Object.keys(application.spec.environments ?? {})];
    const there = environments.items.filter(({ metadata }) => named.includes(metadata.name));
    const places = new Set([
      ...there.map(({ metadata }) => metadata.name),
      ...own.map(({ spec }) => spec.environment),
    ]);
    for (const environment of [...places].sort()) {
      const track = own.find(({ spec }) => spec.environment === environment);
      const wanted = wantedKeys(application, environment, environments.items, templates.items, secret);
      const running = await runningKeys(store, namespace, track, secret);
      const keys = [...new Set([...wanted, ...running])].sort();
      const waits = application.spec.release === 'manual' || (track?.status?.hold ?? null) !== null;
      const deleting = application.metadata.deletionTimestamp !== undefined;
      if (keys.length > 0)
        uses.push({
          application: name,
          environment,
          keys,
          automatic: waits || deleting ? [] : wanted,
        });
    }
  }
  return uses;
}

/** What the file would start there, whether its secrets are there or not. */
function wantedKeys(
  { metadata: { name }, spec }: Stored<Application>,
  environment: string,
  environments: readonly Stored<Environment>[],
  templates: readonly Stored<Template>[],
  secret: string,
): string[] {
  const place = environments.find(({ metadata }) => metadata.name === environment);
  const template = templates.find(({ metadata }) => metadata.name === spec.template?.name);
  const resolved = resolveApplication(spec, {
    name,
    environment,
    environmentSpec: place === undefined ? undefined : EnvironmentSpec.safeParse(place.spec).data,
    template: template === undefined ? undefined : TemplateSpec.safeParse(template.spec).data,
  });
  return resolved.ok ? secretKeys(Object.values(resolved.value.workloads), secret) : [];
}

/** What runs, waits warm or is on its way was pinned when it was made: a changed file does not change it (INV-24). */
async function runningKeys(
  store: Store,
  namespace: string,
  track: Stored<Track> | undefined,
  secret: string,
): Promise<string[]> {
  if (track?.status === undefined) return [];
  const { live, warm, active, queue } = track.status;
  const names = [
    live,
    active?.revision,
    ...warm.map((each) => each.revision),
    ...queue.map((each) => each.revision),
  ];
  const keys: string[] = [];
  for (const name of new Set(names)) {
    if (name === null || name === undefined) continue;
    const revision = await store.get<Revision>({ kind: 'Revision', namespace, name });
    keys.push(...secretKeys(revision?.spec.workloads ?? [], secret));
  }
  return keys;
}

/** Who would lose a value that is taken away; the refusal's details name each. */
export async function losers(
  store: Store,
  { metadata }: Pick<Stored<Secret>, 'metadata'>,
  keys: readonly string[],
): Promise<SecretUse[]> {
  const { namespace = '', name } = metadata;
  return (await secretUses(store, namespace, name)).flatMap((use) => {
    const lost = use.keys.filter((key) => keys.includes(key));
    return lost.length === 0 ? [] : [{ ...use, keys: lost }];
  });
}
