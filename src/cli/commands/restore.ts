import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DataDirectory } from '../../embedded/data-directory.ts';
import { slipwayVersion } from '../../embedded/version.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Needs } from '../../store/sqlite/restore.ts';
import { type CommandModule, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { missingArtifacts } from '../missing-artifacts.ts';
import { printData } from '../output.ts';
import { plural } from '../text/words.ts';

/** `slipway restore`: puts a backup in the place of the store. Nothing may have it open. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Put a backup in the place of the store. Slipway must be down; what was written after the backup is lost. Artifacts and keys are not in it: copy artifacts/ and keys/ of the data directory as well.',
      )
      .argument('<file>', 'that "slipway backup" made');
    examples(command, 'slipway down && slipway restore slipway-2026-11-20.db && slipway up');
    command.action(
      run(async (context, file: string) => {
        const [{ dataDirectory, makeDirectories }, { restoreSqlite }] = await Promise.all([
          import('../../embedded/data-directory.ts'),
          import('../../store/sqlite/restore.ts'),
        ]);
        const data = dataDirectory(resolve(context.io.directory, context.dataDirectory));
        await refuseWhileUp(context);
        await confirm(context, [
          `This replaces everything that Slipway in ${data.root} knows by what ${file} holds.`,
          'What was written after that backup is lost; the present store is kept beside the new one.',
        ]);
        makeDirectories(data);
        const restored = restoreSqlite(resolve(context.io.directory, file), data.database, {
          clock: context.clock,
          programVersion: slipwayVersion(),
        });
        const warnings = missing(restored.needs, data);
        if (!(await printData(context, { ...restored, warnings }))) {
          context.print(
            `${context.paint.good('✓')} Restored ${plural(restored.objects, 'object')} from ${file}.`,
            ...(restored.replaced === undefined
              ? []
              : [`  What stood there before is in ${restored.replaced}.`]),
            ...warnings.map((warning) => `${context.paint.warn('!')} ${warning}`),
            '  slipway up',
          );
        }
        return EXIT.ok;
      }),
    );
  },
};

/** What the backup names and this data directory does not have. */
function missing({ revisions, secrets }: Needs, data: DataDirectory): string[] {
  const artifacts = missingArtifacts(revisions, data.artifacts);
  const noKey = secrets > 0 && !existsSync(join(data.keys, 'secrets.key'));
  return [
    ...(artifacts === null ? [] : [artifacts]),
    ...(noKey
      ? [
          `${plural(secrets, 'secret')} cannot be read without their key: copy keys/ from where the backup was made to ${data.keys} before "slipway up".`,
        ]
      : []),
  ];
}

/** The store refuses by its lock as well; this says who has it. */
async function refuseWhileUp(context: Context): Promise<void> {
  const [{ dataDirectory }, { supervisorStatus }] = await Promise.all([
    import('../../embedded/data-directory.ts'),
    import('../../embedded/supervisor-client.ts'),
  ]);
  const status = await supervisorStatus(dataDirectory(context.dataDirectory));
  if (status === undefined) return;
  throw new SlipwayError(
    'refused',
    `Slipway is up on ${status.data} (process ${status.pid}); nothing was restored.`,
    {
      next: 'slipway down, then run this again.',
    },
  );
}
