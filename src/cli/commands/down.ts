import { resolve } from 'node:path';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT } from '../exit-codes.ts';
import { cleanLine } from '../terminal/clean.ts';

/** `slipway down`: ends Slipway on this machine, and with it the applications that it runs. */
export const command: CommandModule = {
  configure(command, run) {
    command.description(
      'Stop Slipway on this machine and the applications that it runs. Requests inside are finished first.',
    );
    examples(command, 'slipway down', 'slipway down --yes --data /var/lib/slipway');
    command.action(
      run(async (context) => {
        const [{ dataDirectory }, { ask, supervisorStatus }] = await Promise.all([
          import('../../embedded/data-directory.ts'),
          import('../../embedded/supervisor-client.ts'),
        ]);
        const data = dataDirectory(resolve(context.io.directory, context.dataDirectory));
        const status = await supervisorStatus(data);
        if (status === undefined) {
          context.print(`No Slipway runs on ${data.root}.`);
          return EXIT.ok;
        }
        await confirm(context, [
          `This stops Slipway on ${status.data} and every application that it runs: users get no answer on ${status.urls.entry.join(', ')}.`,
          'Nothing is forgotten: "slipway up" starts the same again.',
        ]);
        for await (const line of ask(data, 'stop')) {
          if (line.type === 'progress') context.note(`  ${cleanLine(line.message)}`);
          if (line.type === 'error')
            throw new SlipwayError('internal', line.message, { next: 'slipway status' });
        }
        context.print(`${context.paint.good('✓')} Slipway on ${status.data} has ended.`);
        return EXIT.ok;
      }),
    );
  },
};
