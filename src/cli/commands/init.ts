import { existsSync, statSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { appFile } from '../init/app-file.ts';
import { detect } from '../init/detect.ts';

/** `slipway init`: a first application file from what stands in the folder. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Look at the folder (package.json, Procfile, go.mod, Dockerfile, …) and write a commented app.yaml.',
      )
      .argument('[directory]', 'default: where you are', '.')
      .option('-f, --filename <file>', 'where to write it, in the directory', 'app.yaml')
      .option('--force', 'replace a file that is there');
    examples(command, 'slipway init', 'slipway init ./shop');
    command.action(
      run(async (context, word: string, options: { filename: string; force?: boolean }) => {
        const directory = resolve(context.io.directory, word);
        if (!existsSync(directory) || !statSync(directory).isDirectory()) {
          throw new SlipwayError('notFound', `${word} is no directory.`);
        }
        const file = resolve(directory, options.filename);
        if (existsSync(file) && options.force !== true) {
          throw new SlipwayError(
            'alreadyExists',
            `${options.filename} exists already; nothing was written.`,
            {
              next: 'slipway init --force replaces it, or choose another name with --filename.',
            },
          );
        }
        const detected = detect(directory);
        // With wx even a file that appears at this moment is not replaced.
        writeFileSync(file, appFile(detected), options.force === true ? {} : { flag: 'wx' });
        const shown = relative(context.io.directory, file) || options.filename;
        context.print(
          detected.from === null
            ? `${context.paint.warn('!')} Wrote ${shown}; nothing known was found here, so set "command:" in it.`
            : `${context.paint.good('✓')} Wrote ${shown} from ${detected.from}.`,
          ...(detected.build === null ? [] : [`  ${detected.build}`]),
          `  slipway plan -f ${shown}`,
          `  slipway release -f ${shown} --watch`,
        );
        return EXIT.ok;
      }),
    );
  },
};
