import type { Application } from '../api/application.ts';
import {
  type Environment,
  EnvironmentSpec,
  type Secret,
  type Template,
  TemplateSpec,
} from '../api/environment.ts';
import type { Execution } from '../api/execution.ts';
import type { Stored } from '../api/meta.ts';
import type { Release } from '../api/release.ts';
import type { Revision, Track, TrackStatus } from '../api/revision.ts';
import { resolveApplication } from '../engine/application/resolve.ts';
import { inPlaceDigest, pinWorkloads, revisionDigest } from '../engine/application/revision.ts';
import { initialTrack, type TrackInput, type WantedApplication } from '../engine/track/input.ts';
import type { ErrorDetail, Result } from '../lib/errors.ts';
import type { Store } from '../store/store.ts';
import { LABELS } from './context.ts';

/** Where a directory's name or a commit stands on an Application, for people. */
export const SOURCE_ANNOTATION = 'slipway.dev/source';

export interface TrackName {
  readonly namespace: string;
  readonly application: string;
  readonly environment: string;
}

export interface GatheredTrack {
  readonly application: Stored<Application>;
  readonly environment: Stored<Environment>;
  readonly track: Stored<Track> | undefined;
  readonly input: Omit<TrackInput, 'commands' | 'version' | 'now'>;
}

/** Reads everything that a track's decision looks at; undefined when the application or environment is not there. */
export async function gatherTrack(
  store: Store,
  where: TrackName,
  spec?: unknown,
): Promise<GatheredTrack | undefined> {
  const { namespace } = where;
  const [application, environment] = await Promise.all([
    store.get<Application>({ kind: 'Application', namespace, name: where.application }),
    store.get<Environment>({ kind: 'Environment', namespace, name: where.environment }),
  ]);
  if (application === undefined || environment === undefined) return undefined;
  const labels = { [LABELS.application]: where.application, [LABELS.environment]: where.environment };
  const [track, revisions, releases] = await Promise.all([
    store.get<Track>({ kind: 'Track', namespace, name: `${where.application}-${where.environment}` }),
    store.list<Revision>('Revision', { namespace, labels }),
    store.list<Release>('Release', { namespace, labels }),
  ]);
  const status: TrackStatus = track?.status ?? initialTrack();
  const work =
    status.work === null || status.work.execution === ''
      ? undefined
      : await store.get<Execution>({ kind: 'Execution', namespace, name: status.work.execution });
  const environmentSpec = EnvironmentSpec.parse(environment.spec ?? {});
  const written = spec ?? application.spec;
  return {
    application,
    environment,
    track,
    input: {
      ...where,
      environmentSpec,
      deleting: application.metadata.deletionTimestamp !== undefined,
      auto: (written as { release?: string }).release !== 'manual',
      wanted: await wantedApplication(
        store,
        where,
        environmentSpec,
        written,
        application.metadata.annotations?.[SOURCE_ANNOTATION],
      ),
      track: status,
      revisions: Object.fromEntries(
        revisions.items.map(({ metadata, spec: revision }) => [metadata.name, revision]),
      ),
      releases: Object.fromEntries(
        releases.items.flatMap(({ metadata, spec: release, status: state }) =>
          state === undefined ? [] : [[metadata.name, { spec: release, status: state }]],
        ),
      ),
      work: work?.status,
    },
  };
}

async function wantedApplication(
  store: Store,
  where: TrackName,
  environmentSpec: EnvironmentSpec,
  written: unknown,
  source: string | undefined,
): Promise<Result<WantedApplication, readonly ErrorDetail[]>> {
  const { namespace } = where;
  const templateName = (written as { template?: { name?: unknown } }).template?.name;
  const template =
    typeof templateName === 'string'
      ? await store.get<Template>({ kind: 'Template', namespace, name: templateName })
      : undefined;
  const resolved = resolveApplication(written, {
    name: where.application,
    environment: where.environment,
    environmentSpec,
    ...(template === undefined ? {} : { template: TemplateSpec.parse(template.spec) }),
  });
  if (!resolved.ok) return resolved;
  const names = new Set(
    Object.values(resolved.value.workloads).flatMap((w) =>
      Object.values(w.env).flatMap((v) => (typeof v === 'string' ? [] : [v.secret])),
    ),
  );
  const secrets = new Map<string, Readonly<Record<string, string>>>();
  for (const name of names) {
    const secret = await store.get<Secret>({ kind: 'Secret', namespace, name });
    secrets.set(name, secret?.status?.keys ?? {});
  }
  const missing: ErrorDetail[] = [];
  const workloads = pinWorkloads({
    application: resolved.value,
    source,
    secretVersion: (secret, key) => {
      const version = secrets.get(secret)?.[key];
      if (version === undefined)
        missing.push({
          path: 'spec.workload.env',
          message: `there is no key ${key} in secret ${secret}; set it with: slipway secret set ${secret} ${key}`,
        });
      return version;
    },
  });
  if (missing.length > 0) return { ok: false, error: missing };
  return {
    ok: true,
    value: {
      resolved: resolved.value,
      workloads,
      digest: revisionDigest(workloads, resolved.value.parameters),
      inPlace: inPlaceDigest(resolved.value),
      source,
    },
  };
}
