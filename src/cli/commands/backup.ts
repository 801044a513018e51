import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { printData } from '../output.ts';
import { formatBytes } from '../text/words.ts';

/** `slipway backup`: the store as one file, consistent, while everything runs. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Save all objects to a file while everything runs: applications, revisions, releases, receipts, and secrets in their encrypted form. Artifacts, keys, tokens and the audit log are files beside the store and are not in it: copy artifacts/, keys/ and logs/ of the data directory as well.',
      )
      .argument('<file>', 'must not exist yet');
    examples(command, 'slipway backup slipway-2026-11-20.db');
    command.action(
      run(async (context, file: string) => {
        const path = resolve(context.io.directory, file);
        if (existsSync(path)) {
          throw new SlipwayError('alreadyExists', `${file} exists already; a backup replaces nothing.`, {
            next: 'Choose another name.',
          });
        }
        const { api } = await context.connect();
        const { bytes } = await api.backup(path);
        if (!(await printData(context, { file: path, bytes }))) {
          context.print(
            `${context.paint.good('✓')} Saved to ${file}, ${formatBytes(bytes)}.`,
            '  The objects are in it. Copy artifacts/ and keys/ of the data directory too, or no revision starts from it.',
            `  slipway restore ${file}   (after "slipway down")`,
          );
        }
        return EXIT.ok;
      }),
    );
  },
};
