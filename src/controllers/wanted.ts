import { type EnvironmentSpec, type Secret, type Template, TemplateSpec } from '../api/environment.ts';
import type { Stored } from '../api/meta.ts';
import { type ResolvedApplication, resolveApplication } from '../engine/application/resolve.ts';
import { inPlaceDigest, pinWorkloads, revisionDigest } from '../engine/application/revision.ts';
import type { WantedApplication } from '../engine/track/input.ts';
import type { ErrorDetail, Result } from '../lib/errors.ts';
import type { Store } from '../store/store.ts';
import type { Remembered } from './remembered.ts';
import type { TrackName } from './track-input.ts';

type Refusable<T> = Result<T, readonly ErrorDetail[]>;

/** What an application asks for in one environment, and what it is asked of. */
export interface WantedQuestion {
  readonly where: TrackName;
  readonly environmentSpec: EnvironmentSpec;
  readonly written: unknown;
  /** Where its artifacts come from, for people. */
  readonly source: string | undefined;
  /** Changes with all of the above; null where nothing tells whether it did. */
  readonly version: string | null;
}

/** The application as its environment would run it now: resolved, with its artifacts and secrets pinned. */
export async function wantedApplication(
  store: Store,
  { where, environmentSpec, written, source, version }: WantedQuestion,
  remembered: Remembered | undefined,
): Promise<Refusable<WantedApplication>> {
  const { namespace, application, environment } = where;
  const templateName = (written as { template?: { name?: unknown } }).template?.name;
  const template =
    typeof templateName === 'string'
      ? await store.get<Template>({ kind: 'Template', namespace, name: templateName })
      : undefined;
  const place = `${namespace}/${application}/${environment}`;
  const at = version === null ? null : `${version} ${template === undefined ? '' : versionOf(template)}`;
  const again = <T>(what: string, work: () => T): T =>
    at === null || remembered === undefined ? work() : remembered.of(`${what} ${place}`, at, work);
  const resolved = again('resolved', () =>
    resolveApplication(written, {
      ...{ name: application, environment, environmentSpec },
      ...(template === undefined ? {} : { template: TemplateSpec.parse(template.spec) }),
    }),
  );
  if (!resolved.ok) return resolved;
  const names = secretsOf(resolved.value);
  if (names.size === 0) return again('wanted', () => pinned(resolved.value, source, () => undefined));
  const secrets = new Map<string, Readonly<Record<string, string>>>();
  for (const name of names) {
    const secret = await store.get<Secret>({ kind: 'Secret', namespace, name });
    secrets.set(name, secret?.status?.keys ?? {});
  }
  return pinned(resolved.value, source, (secret, key) => secrets.get(secret)?.[key]);
}

/** Changes with every write of it. */
export const versionOf = ({ metadata: { uid, resourceVersion } }: Stored): string =>
  `${uid}/${resourceVersion}`;

const secretsOf = ({ workloads }: ResolvedApplication): Set<string> =>
  new Set(
    Object.values(workloads).flatMap(({ env }) =>
      Object.values(env).flatMap((value) => (typeof value === 'string' ? [] : [value.secret])),
    ),
  );

function pinned(
  resolved: ResolvedApplication,
  source: string | undefined,
  keyVersion: (secret: string, key: string) => string | undefined,
): Refusable<WantedApplication> {
  const missing: ErrorDetail[] = [];
  const workloads = pinWorkloads({
    application: resolved,
    source,
    secretVersion: (secret, key) => {
      const version = keyVersion(secret, key);
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
      ...{ resolved, workloads, source },
      digest: revisionDigest(workloads, resolved.parameters),
      inPlace: inPlaceDigest(resolved),
    },
  };
}
