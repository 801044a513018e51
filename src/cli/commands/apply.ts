import type { Command } from 'commander';
import type { Application } from '../../api/application.ts';
import type { Stored } from '../../api/meta.ts';
import type { Track } from '../../api/revision.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples, repeated } from '../command.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { loadManifests } from '../manifest/load.ts';
import { kindNamed } from '../objects.ts';
import { printData } from '../output.ts';
import { whatBegins } from './after-apply.ts';
import { type Applied, applyObjects, pinnedObjects } from './apply-files.ts';
import { refuseWords } from './file-words.ts';
import { watchOptions } from './release-verb.ts';
import { startRelease } from './start-release.ts';

interface ApplyOptions {
  readonly filename?: string[];
  readonly dryRun?: boolean;
  readonly watch?: boolean;
  readonly timeout?: string;
}

/** `slipway apply`: what files say is what stands. Directories are packed and uploaded before. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Create or change objects from files. Directories named by "artifact:" are packed and uploaded.',
      )
      .allowExcessArguments()
      .option(
        '-f, --filename <file>',
        'a file, a directory of YAML and JSON files, or - (repeatable)',
        repeated,
      )
      .option('--dry-run', 'check everything with the manager and change nothing');
    watchOptions(command);
    examples(command, 'slipway apply -f app.yaml --watch', 'cat app.yaml | slipway apply -f -');
    command.action(
      run(async (context, options: ApplyOptions, { args }: Command) => {
        refuseWords('apply', args);
        const files = options.filename ?? [];
        if (files.length === 0) {
          throw new SlipwayError('badRequest', 'No file was named.', { next: 'slipway apply -f app.yaml' });
        }
        // Files that are wrong are said to be so wherever the manager is.
        const manifests = await loadManifests(context, files);
        const connection = await context.connect();
        const dryRun = options.dryRun === true;
        const pinned = await pinnedObjects(context, connection, manifests, { upload: !dryRun });
        const applied = await applyObjects(connection, pinned, { dryRun });
        if (options.watch === true && options.dryRun !== true) {
          context.note(...resultLines(context, applied));
          return await watchReleases(context, connection, applied, options.timeout);
        }
        if (context.format === 'name') context.print(...applied.map(({ object }) => nameOf(object)));
        else if (!(await printData(context, objects(applied)))) {
          for (const one of applied) {
            context.print(...resultLines(context, [one]));
            if (setsGoing(one)) context.print(...(await whatBegins(context, connection, one.object)));
          }
        }
        return EXIT.ok;
      }),
    );
  },
};

const objects = (applied: readonly Applied[]): unknown =>
  applied.length === 1
    ? applied[0]?.object
    : { apiVersion: 'v1', kind: 'List', metadata: {}, items: applied.map(({ object }) => object) };

const nameOf = (object: Stored): string => `${kindNamed(object.kind).singular}/${object.metadata.name}`;

/** `✓ application/shop configured`. */
function resultLines(context: Context, applied: readonly Applied[]): string[] {
  return applied.map(({ object, result, dryRun }) => {
    const dry = dryRun ? ' (dry run, nothing was changed)' : '';
    return `${context.paint.good('✓')} ${nameOf(object)} ${result}${dry}`;
  });
}

const setsGoing = ({ object, result, dryRun }: Applied): boolean =>
  object.kind === 'Application' && result !== 'unchanged' && !dryRun;

/** Follows what the change sets going: nothing where releases are manual or on hold. */
async function watchReleases(
  context: Context,
  connection: Connection,
  applied: readonly Applied[],
  timeout: string | undefined,
): Promise<ExitCode> {
  const { api, environment } = connection;
  let worst: ExitCode = EXIT.ok;
  for (const { object } of applied) {
    if (object.kind !== 'Application') continue;
    const { name } = object.metadata;
    const track = await api.find<Track>('Track', `${name}-${environment}`);
    const hold = track?.status?.hold ?? null;
    if (hold !== null || (object as Stored<Application>).spec.release === 'manual') {
      const why = hold === null ? 'its releases are manual' : `a rollback by ${hold.by} holds its releases`;
      context.note(`${name} is not released: ${why}.`, `  slipway release ${name} --watch`);
      continue;
    }
    const exitCode = await startRelease(context, connection, name, { watch: true, timeout });
    if (exitCode !== EXIT.ok) worst = exitCode;
    if (exitCode === EXIT.interrupted) break;
  }
  return worst;
}
