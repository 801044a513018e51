import type { Application } from '../../api/application.ts';
import type { ApiObject, Stored } from '../../api/meta.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples, repeated } from '../command.ts';
import type { Connection, Context } from '../context.ts';
import { environmentsOf, requireEnvironment } from '../environments.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { loadManifests } from '../manifest/load.ts';
import { findObject } from '../objects.ts';
import { contentChange, type WorkloadChange } from './application-change.ts';
import { applyObjects, pinnedObjects } from './apply-files.ts';
import { applyObject } from './apply-manifest.ts';
import { checkRelease } from './check-release.ts';
import { refuseFiles } from './file-words.ts';
import { moveLines, movesOf } from './moves.ts';
import { watchOptions } from './release-verb.ts';
import { checkPlanHash, startRelease } from './start-release.ts';
import { writeChecked } from './write-checked.ts';

interface ReleaseOptions extends WorkloadChange {
  readonly filename?: string[];
  readonly plan?: string;
  readonly why?: string;
  readonly watch?: boolean;
  readonly timeout?: string;
}

/** `slipway release`: the everyday command. Uploads what is new, then asks for the release. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description('Release an application: as it stands, with a new artifact, or as a file says.')
      .argument('[application]', 'a unique prefix is enough; may be left out with -f')
      .option('-a, --artifact <path>', 'a directory or archive to pack and upload, or NAME@sha256:…')
      .option('--image <image>', 'a container image instead of an artifact')
      .option('--workload <name>', 'whose artifact, where there are several workloads')
      .option('-f, --filename <file>', 'apply this file before (repeatable)', repeated)
      .option('--plan <hash>', 'refuse when the plan differs from this one (see "slipway plan")')
      .option('--why <text>', 'the reason, for the audit and the receipt');
    watchOptions(command);
    examples(
      command,
      'slipway release shop --artifact ./dist --watch',
      'slipway release -f app.yaml -e staging --watch',
      'slipway release shop -e production --plan 4be210',
    );
    command.action(
      run(async (context, word: string | undefined, options: ReleaseOptions) => {
        checkPlanHash(options.plan);
        refuseFiles('release', word);
        const files = options.filename ?? [];
        if (files.length > 0) return await releaseFiles(context, files, word, options);
        if (word === undefined) {
          throw new SlipwayError('badRequest', 'Which application?', {
            next: 'slipway release shop --artifact ./dist --watch',
          });
        }
        return await releaseOne(context, await context.connect(), word, options);
      }),
    );
  },
};

async function releaseOne(
  context: Context,
  connection: Connection,
  word: string,
  options: ReleaseOptions,
): Promise<ExitCode> {
  const application = await findObject<Application>(connection, 'application', word);
  const { name } = application.metadata;
  // Before the upload: a slip of the keys costs nothing.
  await requireEnvironment(connection);
  const change = await contentChange(context, connection, application, options, { upload: true });
  if (change !== undefined) {
    const { environment } = connection;
    const check = async ({ spec }: Stored<Application>): Promise<void> =>
      void (await checkRelease(connection, { name, spec }, options.plan));
    const changed = change.apply(application);
    await check(changed);
    if (change.override === undefined)
      await sayMoves(context, connection, changed, `slipway release ${name} … -e ${environment}`);
    else context.note(`Only ${environment} gets it: it is written to ${change.override}.`);
    await writeChecked(connection, application, change, check);
  }
  return await startRelease(context, connection, name, options);
}

/** Which environments besides the one that is released to will move, before they do. */
async function sayMoves(
  context: Context,
  connection: Connection,
  { metadata, spec }: ApiObject,
  only: string | undefined,
): Promise<void> {
  const application = { name: metadata.name, spec };
  const all = await environmentsOf(connection, application);
  const others = all.filter((each) => each !== connection.environment);
  const moves = await movesOf(connection, application, others);
  context.note(...moveLines(context, moves, only));
}

async function releaseFiles(
  context: Context,
  files: readonly string[],
  word: string | undefined,
  options: ReleaseOptions,
): Promise<ExitCode> {
  if (options.artifact !== undefined || options.image !== undefined) {
    throw new SlipwayError(
      'badRequest',
      'Either --filename or --artifact/--image: the file names its own artifact.',
      {
        next: 'slipway release shop --artifact ./dist',
      },
    );
  }
  const manifests = await loadManifests(context, files);
  const names = manifests
    .filter(({ object }) => isWanted(object, word))
    .map(({ object }) => object.metadata.name);
  if (names.length === 0) {
    throw new SlipwayError(
      'notFound',
      `There is no application${word === undefined ? '' : ` ${word}`} in ${files.join(', ')}.`,
    );
  }
  const connection = await context.connect();
  const makesIt = manifests.some(
    ({ object: { kind, metadata } }) => kind === 'Environment' && metadata.name === connection.environment,
  );
  if (!makesIt || options.plan !== undefined) await requireEnvironment(connection);
  const pinned = await pinnedObjects(context, connection, manifests, { upload: true });
  // A plan is of what is there: nothing may be written before it, not even what the application needs.
  if (options.plan === undefined) await createMissing(connection, pinned);
  for (const object of pinned.filter(({ kind }) => kind === 'Application')) {
    const { name } = object.metadata;
    if (names.includes(name)) await checkRelease(connection, { name, spec: object.spec }, options.plan);
    await sayMoves(context, connection, object, undefined);
  }
  await applyObjects(connection, pinned, { dryRun: false });
  let worst: ExitCode = EXIT.ok;
  for (const name of names) {
    const exitCode = await startRelease(context, connection, name, options);
    if (exitCode !== EXIT.ok) worst = exitCode;
  }
  return worst;
}

/**
 * What the application needs and is not there yet: an environment, a template or a secret of the same file, without
 * which nobody could say whether it can be released.
 */
async function createMissing(connection: Connection, objects: readonly ApiObject[]): Promise<void> {
  for (const object of objects.filter(({ kind }) => kind !== 'Application')) {
    if ((await connection.api.find<ApiObject>(object.kind, object.metadata.name)) === undefined)
      await applyObject(connection, object, { dryRun: false });
  }
}

const isWanted = (object: ApiObject, word: string | undefined): boolean =>
  object.kind === 'Application' && (word === undefined || object.metadata.name.startsWith(word));
