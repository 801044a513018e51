import type { Application } from '../../api/application.ts';
import type { ApiObject, Stored } from '../../api/meta.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples, repeated } from '../command.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { loadManifests } from '../manifest/load.ts';
import { findObject } from '../objects.ts';
import { changedApplication, type WorkloadChange } from './application-change.ts';
import { applyManifests } from './apply-files.ts';
import { refuseFiles } from './file-words.ts';
import { watchOptions } from './release-verb.ts';
import { checkPlanHash, startRelease } from './start-release.ts';

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
        const connection = await context.connect();
        const application = await findObject<Application>(connection, 'application', word);
        const { name } = application.metadata;
        const changed = await changedApplication(context, connection, application, options, { upload: true });
        if (changed !== undefined) {
          await checkPlan(connection, name, changed.spec, options.plan);
          await connection.api.replace<ApiObject>(changed);
        }
        return await startRelease(context, connection, name, options);
      }),
    );
  },
};

/**
 * Before the application is changed: with automatic releases the change itself would start one, whatever its
 * plan. The manager checks the hash once more when it claims the release.
 */
async function checkPlan(
  connection: Connection,
  name: string,
  spec: unknown,
  plan: string | undefined,
): Promise<void> {
  if (plan === undefined) return;
  const preview = await connection.api.plan(name, { environment: connection.environment, spec });
  const wanted = plan.replace(/^sha256:/, '');
  if (preview.plan.hash.replace(/^sha256:/, '').startsWith(wanted)) return;
  throw new SlipwayError(
    'refused',
    `The plan is ${preview.plan.hash.slice(0, 6)} and not ${plan}: something changed since it was approved. Nothing was released.`,
    {
      next: `slipway plan ${name} -e ${connection.environment}`,
    },
  );
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
  const connection = await context.connect();
  const applied = await applyManifests(context, connection, manifests, { dryRun: false });
  const names = applied
    .filter(({ object }) => isWanted(object, word))
    .map(({ object }) => object.metadata.name);
  if (names.length === 0) {
    throw new SlipwayError(
      'notFound',
      `There is no application${word === undefined ? '' : ` ${word}`} in ${files.join(', ')}.`,
    );
  }
  let worst: ExitCode = EXIT.ok;
  for (const name of names) {
    const exitCode = await startRelease(context, connection, name, options);
    if (exitCode !== EXIT.ok) worst = exitCode;
  }
  return worst;
}

const isWanted = (object: Stored, word: string | undefined): boolean =>
  object.kind === 'Application' && (word === undefined || object.metadata.name.startsWith(word));
