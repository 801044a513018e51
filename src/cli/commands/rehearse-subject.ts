import { type Application, DEFAULT_ENVIRONMENT } from '../../api/application.ts';
import { type Environment, EnvironmentSpec, type Template, TemplateSpec } from '../../api/environment.ts';
import type { Release } from '../../api/release.ts';
import type { Revision, Track } from '../../api/revision.ts';
import { type ResolvedApplication, resolveApplication } from '../../engine/application/resolve.ts';
import { validateApplication } from '../../engine/application/validate.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Subject } from '../../simulator/rehearsal/side.ts';
import type { applicationSubject, releaseSubject } from '../../simulator/rehearsal/subject.ts';
import type { Connection, Context } from '../context.ts';
import { type LoadedManifest, loadManifests } from '../manifest/load.ts';
import { resolveName } from '../names.ts';
import { findObject } from '../objects.ts';
import { contentChange, type WorkloadChange } from './application-change.ts';

/** Of the simulator, which is loaded late. */
interface Build {
  readonly applicationSubject: typeof applicationSubject;
  readonly releaseSubject: typeof releaseSubject;
}

/**
 * What is rehearsed. A file alone needs no manager: its first version is taken to stand, or nothing. With a name it
 * goes from what is live there, to the file, to what is applied (with other content, perhaps), or as a release says.
 */
export async function subjectOf(
  context: Context,
  build: Build,
  {
    word,
    file,
    change = {},
  }: {
    readonly word: string | undefined;
    readonly file: string | undefined;
    readonly change?: WorkloadChange;
  },
): Promise<Subject> {
  if (word === undefined && file === undefined)
    throw new SlipwayError('badRequest', 'What is to be rehearsed?', {
      next: 'slipway rehearse -f app.yaml, slipway rehearse APPLICATION, or slipway rehearse RELEASE',
    });
  const changes = change.artifact !== undefined || change.image !== undefined;
  if (changes && (word === undefined || file !== undefined))
    throw new SlipwayError(
      'badRequest',
      'A file names its own artifact: -f takes no --artifact or --image.',
      {
        next: `slipway rehearse APPLICATION --artifact PATH, or slipway rehearse -f ${file ?? 'app.yaml'}`,
      },
    );
  const manifests = file === undefined ? [] : await loadManifests(context, [file]);
  if (word === undefined) return ofFile(context, build, manifests, file ?? '');
  const connection = await context.connect();
  const { items } = await connection.api.list<Release>('Release', { namespace: connection.namespace });
  const release = file === undefined ? releaseMeant(word, items) : undefined;
  if (release !== undefined && changes)
    throw new SlipwayError('badRequest', `${word} is a release, whose content was chosen when it was made.`, {
      next: `slipway rehearse ${release.spec.application} --artifact PATH`,
    });
  if (release !== undefined) return ofRelease(connection, build, release);
  return ofApplication(context, connection, build, word, { manifests, file, change });
}

async function ofFile(
  { options, io }: Context,
  build: Build,
  manifests: readonly LoadedManifest[],
  file: string,
): Promise<Subject> {
  const environment = options.env ?? (io.environment.SLIPWAY_ENVIRONMENT || DEFAULT_ENVIRONMENT);
  const written = applicationIn(manifests, file);
  const spec = specIn<Environment>(manifests, 'Environment', environment);
  const template = specIn<Template>(manifests, 'Template', templateOf(written.spec));
  const known = EnvironmentSpec.parse(spec ?? {});
  const resolved = resolve(written.spec, written.metadata.name, environment, known, template);
  return build.applicationSubject(resolved, known, 'same', file);
}

async function ofApplication(
  context: Context,
  connection: Connection,
  build: Build,
  word: string,
  {
    manifests,
    file,
    change,
  }: { manifests: readonly LoadedManifest[]; file: string | undefined; change: WorkloadChange },
): Promise<Subject> {
  const { api, namespace, environment } = connection;
  const { name, written } =
    file === undefined
      ? await applied(context, connection, word, change)
      : { name: word, written: applicationIn(manifests, file, word).spec };
  const { spec } = await api.get<Environment>('Environment', environment, { namespace });
  const known = EnvironmentSpec.parse(spec);
  const templateName = templateOf(written);
  const template =
    templateName === undefined ? undefined : await api.get<Template>('Template', templateName, { namespace });
  const resolved = resolve(written, name, environment, known, template?.spec);
  const track = await api.find<Track>('Track', `${name}-${environment}`, { namespace });
  const live = track?.status?.live ?? null;
  const revision = live === null ? null : await api.get<Revision>('Revision', live, { namespace });
  const stands =
    revision === null
      ? null
      : { workloads: revision.spec.workloads, replicas: track?.status?.replicas ?? {} };
  return build.applicationSubject(
    resolved,
    known,
    stands,
    `${live ?? 'nothing'} → ${file ?? 'what is applied'}${withWords(change)}`,
  );
}

/** As it would be released with the new content: nothing of that is read but its digest, and nothing is uploaded. */
async function applied(
  context: Context,
  connection: Connection,
  word: string,
  change: WorkloadChange,
): Promise<{ name: string; written: unknown }> {
  const application = await findObject<Application>(connection, 'application', word);
  const content = await contentChange(context, connection, application, change, { upload: false });
  const { metadata, spec } = content === undefined ? application : content.apply(application);
  return { name: metadata.name, written: spec };
}

const withWords = ({ artifact, image }: WorkloadChange): string => {
  const content = artifact ?? image;
  return content === undefined ? '' : ` with ${content}`;
};

async function ofRelease(
  { api, namespace }: Connection,
  build: Build,
  { metadata, spec }: Release,
): Promise<Subject> {
  const revisionOf = async (name: string) =>
    (await api.get<Revision>('Revision', name, { namespace })).spec.workloads;
  const { spec: environment } = await api.get<Environment>('Environment', spec.environment, { namespace });
  const revisions = {
    from: spec.from === null ? null : await revisionOf(spec.from),
    to: await revisionOf(spec.to),
  };
  return build.releaseSubject(spec, EnvironmentSpec.parse(environment), revisions, metadata.name);
}

/** A release by its name or the only one that begins so; an application of that name comes first. */
function releaseMeant(word: string, releases: readonly Release[]): Release | undefined {
  const names = releases.map(({ metadata }) => metadata.name);
  if (releases.some(({ spec }) => spec.application.startsWith(word))) return undefined;
  if (!names.some((name) => name.startsWith(word))) return undefined;
  const name = resolveName(word, names, 'release');
  return releases.find(({ metadata }) => metadata.name === name);
}

function applicationIn(manifests: readonly LoadedManifest[], file: string, name?: string): Application {
  const all = manifests
    .filter(
      ({ object }) => object.kind === 'Application' && (name === undefined || object.metadata.name === name),
    )
    .map(({ object }) => object as Application);
  const [only, second] = all;
  if (only !== undefined && second === undefined) return only;
  const count = only === undefined ? 'no application' : `${all.length} applications`;
  throw new SlipwayError('badRequest', `${file} has ${count}${name === undefined ? '' : ` named ${name}`}.`, {
    next: 'slipway rehearse -f FILE, with one application in it',
  });
}

/** What stands in the same file. */
const specIn = <T extends { spec: unknown }>(
  manifests: readonly LoadedManifest[],
  kind: string,
  name: string | undefined,
): T['spec'] | undefined =>
  manifests.find(({ object }) => object.kind === kind && object.metadata.name === name)?.object.spec as
    | T['spec']
    | undefined;

const templateOf = (spec: unknown): string | undefined =>
  (spec as { template?: { name?: string } }).template?.name;

function resolve(
  written: unknown,
  name: string,
  environment: string,
  environmentSpec: EnvironmentSpec,
  template: unknown,
): ResolvedApplication {
  const known = template === undefined ? {} : { template: TemplateSpec.parse(template) };
  const resolved = resolveApplication(written, { ...{ name, environment, environmentSpec }, ...known });
  // What plan refuses would be played as a release that never begins.
  const environments = { [environment]: environmentSpec };
  const problems = resolved.ok
    ? validateApplication(written, { name, environments, requirePinned: false, ...known })
    : resolved.error;
  if (resolved.ok && problems.length === 0) return resolved.value;
  throw new SlipwayError(
    'invalid',
    `${name} cannot be released to ${environment}, so it cannot be rehearsed.`,
    {
      details: [...problems],
      next: 'Mend what is named; slipway plan shows the same.',
    },
  );
}
