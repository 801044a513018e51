import { resolve } from 'node:path';
import { slipwayVersion } from '../../embedded/version.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { printData } from '../output.ts';
import { plural } from '../text/words.ts';

/** `slipway restore`: puts a backup in the place of the store. Nothing may have it open. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Put a backup in the place of the store. Slipway must be down; what was written after the backup is lost.',
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
        if (!(await printData(context, restored))) {
          context.print(
            `${context.paint.good('✓')} Restored ${plural(restored.objects, 'object')} from ${file}.`,
            ...(restored.replaced === undefined
              ? []
              : [`  What stood there before is in ${restored.replaced}.`]),
            '  slipway up',
          );
        }
        return EXIT.ok;
      }),
    );
  },
};

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
