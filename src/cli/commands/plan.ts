import type { Application } from '../../api/application.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { type Connection, type Context, lineWidth } from '../context.ts';
import { environmentsOf, namedEnvironment } from '../environments.ts';
import { EXIT } from '../exit-codes.ts';
import { type LoadedManifest, loadManifests } from '../manifest/load.ts';
import { findObject } from '../objects.ts';
import { printData } from '../output.ts';
import { planText } from '../text/plan-text.ts';
import { contentChange, type WorkloadChange } from './application-change.ts';
import { pinnedObject } from './apply-files.ts';
import { refuseFiles } from './file-words.ts';
import { type Move, movesOf, moveWords } from './moves.ts';

interface PlanOptions extends WorkloadChange {
  readonly filename?: string;
  readonly to?: string;
}

/** `slipway plan`: stages, capacity at each point, the way back, and the hash that an approval binds to. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'What a release would do, step by step, and the hash of that plan. Nothing is changed or uploaded.',
      )
      .argument('[application]', 'a unique prefix is enough; may be left out with -f')
      .option('-f, --filename <file>', 'as this file would make it')
      .option('-a, --artifact <path>', 'with this directory, archive or NAME@sha256:…')
      .option('--image <image>', 'with this container image')
      .option('--workload <name>', 'whose artifact, where there are several workloads')
      .option('--to <revision>', 'a rollback to this revision, such as r2');
    examples(
      command,
      'slipway plan shop --artifact ./dist',
      'slipway plan -f app.yaml -e production',
      'slipway plan shop --to r6',
    );
    command.action(
      run(async (context, word: string | undefined, options: PlanOptions) => {
        refuseFiles('plan', word);
        const manifest =
          options.filename === undefined ? undefined : await applicationOf(context, options.filename, word);
        const connection = await context.connect();
        const { name, spec } = await wanted(context, connection, manifest ?? word, options);
        const { environment, namespace } = connection;
        const preview = await connection.api.plan(
          name,
          {
            environment,
            ...(spec === undefined ? {} : { spec }),
            ...(options.to === undefined ? {} : { to: options.to }),
          },
          { namespace },
        );
        const moves = spec === undefined ? [] : await others(connection, { name, spec });
        if (!(await printData(context, { ...preview, moves }))) {
          context.print(
            ...planText(
              preview,
              {
                application: name,
                environment,
                to: options.to,
                options: given(options),
                named: namedEnvironment(context) !== undefined,
                also: moves.map((move) => `${moveWords(move)}, by itself (release ${move.release})`),
              },
              lineWidth(context),
              context.paint,
            ),
          );
        }
        return preview.refusals.length > 0 ? EXIT.failed : EXIT.ok;
      }),
    );
  },
};

/** Environments that the change moves besides the one that the plan is of. */
async function others(
  connection: Connection,
  application: { readonly name: string; readonly spec: unknown },
): Promise<Move[]> {
  const all = await environmentsOf(connection, application);
  return await movesOf(
    connection,
    application,
    all.filter((each) => each !== connection.environment),
  );
}

/** What the plan was asked for with, as "release" takes it too. */
const given = ({ filename, artifact, image, workload }: PlanOptions): string[] =>
  Object.entries({
    '-f': filename,
    '--artifact': artifact,
    '--image': image,
    '--workload': workload,
  }).flatMap(([option, value]) => (value === undefined ? [] : [option, value]));

/** The one application of a file. */
async function applicationOf(
  context: Context,
  file: string,
  word: string | undefined,
): Promise<LoadedManifest> {
  const all = (await loadManifests(context, [file])).filter(
    ({ object }) =>
      object.kind === 'Application' && (word === undefined || object.metadata.name.startsWith(word)),
  );
  const [manifest, second] = all;
  if (manifest !== undefined && second === undefined) return manifest;
  const count = manifest === undefined ? 'no application' : `${all.length} applications`;
  throw new SlipwayError('badRequest', `${file} has ${count}${word === undefined ? '' : ` named ${word}`}.`, {
    next: 'slipway plan NAME -f FILE',
  });
}

async function wanted(
  context: Context,
  connection: Connection,
  from: LoadedManifest | string | undefined,
  options: PlanOptions,
): Promise<{ name: string; spec?: unknown }> {
  if (from === undefined)
    throw new SlipwayError('badRequest', 'Which application?', { next: 'slipway plan shop' });
  if (typeof from !== 'string') {
    const { metadata, spec } = await pinnedObject(context, connection, from, { upload: false });
    return { name: metadata.name, spec };
  }
  const application = await findObject<Application>(connection, 'application', from);
  const change = await contentChange(context, connection, application, options, { upload: false });
  const { name } = application.metadata;
  return change === undefined ? { name } : { name, spec: change.apply(application).spec };
}
