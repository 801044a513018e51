import type { Command } from 'commander';
import { CHANGED_BY_ANNOTATION } from '../../api/application.ts';
import type { ApiObject, Stored } from '../../api/meta.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples, repeated } from '../command.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { loadManifests } from '../manifest/load.ts';
import { printData, qualifiedName } from '../output.ts';
import { clean } from '../terminal/clean.ts';
import { type Difference, differencesOf } from '../text/differences.ts';
import { pinnedObject } from './apply-files.ts';
import { applyObject } from './apply-manifest.ts';
import { refuseWords } from './file-words.ts';

interface ObjectDiff {
  readonly name: string;
  readonly result: 'created' | 'configured' | 'unchanged';
  readonly differences: readonly Difference[];
}

/** `slipway diff`: what apply would change. The manager fills in defaults in a dry run, so they are no difference. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'What apply would change, field by field. Nothing is changed or uploaded; ends with 1 when something would.',
      )
      .allowExcessArguments()
      .option('-f, --filename <file>', 'a file, a directory, or - (repeatable)', repeated);
    examples(command, 'slipway diff -f app.yaml');
    command.action(
      run(async (context, options: { filename?: string[] }, { args }: Command) => {
        refuseWords('diff', args);
        const files = options.filename ?? [];
        if (files.length === 0)
          throw new SlipwayError('badRequest', 'No file was named.', { next: 'slipway diff -f app.yaml' });
        const manifests = await loadManifests(context, files);
        const connection = await context.connect();
        const diffs: ObjectDiff[] = [];
        for (const manifest of manifests) {
          diffs.push(
            await diff(connection, await pinnedObject(context, connection, manifest, { upload: false })),
          );
        }
        if (!(await printData(context, diffs))) context.print(...diffs.flatMap((one) => lines(context, one)));
        return diffs.every(({ result }) => result === 'unchanged') ? EXIT.ok : EXIT.failed;
      }),
    );
  },
};

async function diff(connection: Connection, wanted: ApiObject): Promise<ObjectDiff> {
  const before = await connection.api.find<ApiObject>(wanted.kind, wanted.metadata.name);
  const { result, object } = await applyObject(connection, wanted, { dryRun: true });
  // Of what is new the file says it all; what the manager would fill in is no news beside it.
  const after = before === undefined ? (wanted as Stored) : object;
  const differences = differencesOf(comparable(before), comparable(after)).filter(({ path }) => path !== '');
  return { name: qualifiedName(wanted), result, differences };
}

/** What people write: neither status nor what the server sets, such as the name of who changed it. */
function comparable(object: Stored | undefined): Record<string, unknown> {
  if (object === undefined) return {};
  const { labels, annotations: all } = object.metadata;
  const { [CHANGED_BY_ANNOTATION]: _by, ...annotations } = all ?? {};
  return { metadata: { ...(labels && { labels }), ...(all && { annotations }) }, spec: object.spec };
}

function lines({ paint }: Context, { name, result, differences }: ObjectDiff): string[] {
  if (result === 'unchanged') return [`${name}: no change`];
  const verb = result === 'created' ? 'would be created' : 'would change';
  return [
    `${paint.strong(name)} ${verb}:`,
    ...differences.flatMap(({ path, from, to }) => [
      ...(from === undefined ? [] : [paint.bad(`  - ${clean(path)}: ${text(from)}`)]),
      ...(to === undefined ? [] : [paint.good(`  + ${clean(path)}: ${text(to)}`)]),
    ]),
  ];
}

const text = (value: unknown): string => clean(JSON.stringify(value) ?? 'null');
